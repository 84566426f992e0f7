import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int64,
  makeData,
  Schema,
  type Table,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow';
import { VECTOR_PARTS, type VectorPart, type VectorRow } from '../../../model/vector-index.ts';
import { floatColumn, intColumn, timeColumn, utf8Column } from '../columns.ts';
import { type ResultBatch, stringColumn } from '../result.ts';
import { tableOf } from '../rows.ts';

const listOfFloat32 = (dimensions: number): FixedSizeList<Float32> =>
  new FixedSizeList(dimensions, new Field('item', new Float32(), true));

export const vectorSchema = (dimensions: number): Schema =>
  new Schema([
    new Field('inputId', new Utf8(), false),
    new Field('content', new Utf8(), false),
    new Field('part', new Utf8(), false),
    new Field('timeMs', new Int64(), true),
    new Field('annotationId', new Utf8(), true),
    new Field('top', new Float64(), true),
    new Field('left', new Float64(), true),
    new Field('bottom', new Float64(), true),
    new Field('right', new Float64(), true),
    new Field('vector', listOfFloat32(dimensions), false),
    new Field('runId', new Utf8(), false),
    new Field('createdAt', new TimestampMillisecond(), false),
  ]);

/** The columns that tell where in an input a vector is from. */
export const PART_COLUMNS = ['part', 'timeMs', 'annotationId', 'top', 'left', 'bottom', 'right'];

/** Rows as Lance takes them. Every vector must have `dimensions` numbers. */
export function encodeVectors(
  rows: readonly VectorRow[],
  dimensions: number,
  { runId, now }: { runId: string; now: number },
): Table {
  const numbers = new Float32Array(rows.length * dimensions);
  rows.forEach(({ vector }, i) => {
    numbers.set(vector, i * dimensions);
  });
  const vectors = makeData({
    type: listOfFloat32(dimensions),
    length: rows.length,
    nullCount: 0,
    child: makeData({ type: new Float32(), length: numbers.length, nullCount: 0, data: numbers }),
  });
  return tableOf(vectorSchema(dimensions), rows.length, [
    utf8Column(rows.map(({ inputId }) => inputId)),
    utf8Column(rows.map(({ content }) => content)),
    utf8Column(rows.map(({ part }) => part)),
    intColumn(rows.map(({ timeMs }) => timeMs)),
    utf8Column(rows.map(({ annotationId }) => annotationId)),
    floatColumn(rows.map(({ box }) => box?.top)),
    floatColumn(rows.map(({ box }) => box?.left)),
    floatColumn(rows.map(({ box }) => box?.bottom)),
    floatColumn(rows.map(({ box }) => box?.right)),
    vectors,
    utf8Column(rows.map(() => runId)),
    timeColumn(rows.map(() => now)),
  ]);
}

/** Reads rows out of a batch that has the columns of a vector; each vector is a view of the batch. */
export function* readVectors(batch: ResultBatch): Generator<VectorRow> {
  const ids = stringColumn(batch, 'inputId') as string[];
  const contents = stringColumn(batch, 'content') as string[];
  const parts = readParts(batch);
  const vectors = vectorColumn(batch);
  for (let i = 0; i < batch.numRows; i++) {
    yield { inputId: ids[i]!, content: contents[i]!, ...parts(i), vector: vectors(i) };
  }
}

/** Where in its input the vector of row `i` is from. */
export function readParts(
  batch: ResultBatch,
): (i: number) => Omit<VectorRow, 'inputId' | 'content' | 'vector'> {
  const parts = stringColumn(batch, 'part') as VectorPart[];
  const annotations = stringColumn(batch, 'annotationId');
  const [times, tops, lefts, bottoms, rights] = ['timeMs', 'top', 'left', 'bottom', 'right'].map(
    (name) => batch.getChild(name)!,
  );
  return (i) => {
    const timeMs = times!.get(i) as bigint | number | null;
    const annotationId = annotations[i];
    const top = tops!.get(i) as number | null;
    return {
      part: parts[i]!,
      ...(timeMs === null ? {} : { timeMs: Number(timeMs) }),
      ...(annotationId === undefined ? {} : { annotationId }),
      ...(top === null
        ? {}
        : {
            box: {
              top,
              left: lefts!.get(i) as number,
              bottom: bottoms!.get(i) as number,
              right: rights!.get(i) as number,
            },
          }),
    };
  };
}

/** The vector of row `i`: a view, not a copy. */
function vectorColumn(batch: ResultBatch): (i: number) => Float32Array {
  const [chunk] = batch.getChild('vector')!.data as unknown as FixedSizeChunk[];
  const [child] = chunk!.children;
  const dimensions = chunk!.type.listSize;
  const first = child!.values;
  return (i) => first.subarray(i * dimensions, (i + 1) * dimensions);
}

interface FixedSizeChunk {
  type: { listSize: number };
  children: { values: Float32Array }[];
}

/** How a part is named in listings and exports: `whole`, `frame:1000` (milliseconds), `region:<annotation id>`. */
export const partName = ({
  part,
  timeMs,
  annotationId,
}: Omit<VectorRow, 'inputId' | 'content' | 'vector'>): string =>
  part === VECTOR_PARTS[0] ? part : `${part}:${part === 'frame' ? timeMs : annotationId}`;
