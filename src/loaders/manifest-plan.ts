import { type Columns, requireHeader } from '../formats/csv/columns.ts';
import { RecordCutter } from '../formats/csv/cutter.ts';
import { cuttable, type Encoding } from '../formats/csv/encoding.ts';
import { readPreface } from '../formats/csv/preface.ts';
import { RowReader } from '../formats/csv/row-reader.ts';
import { FatalError } from '../model/errors.ts';
import { type CellForm, formOfCells, SAMPLE_CELLS, type TypeOfCells } from './cell-form.ts';
import type { ManifestInput } from './manifest-input.ts';
import { delimiterOf, type ManifestOptions } from './manifest-options.ts';

/** What is needed of a manifest to plan its reading. */
type RowTargets = Pick<ManifestInput, 'uri' | 'resolveFile'>;

/** How a CSV will be read. */
export interface ManifestPlan {
  encoding: Encoding;
  delimiter: string;
  columns: Columns;
  /** Of an `input` column; the portal's columns say it by their names. */
  csvType: CellForm;
  /** One sentence for the user. */
  describes: string;
}

/** Decides from the first bytes of a CSV how to read all of it. `complete`: they are all there are. */
export async function planManifest(
  head: Buffer,
  complete: boolean,
  input: RowTargets,
  options: ManifestOptions,
): Promise<ManifestPlan> {
  const plan = readLayout(head, complete, input.uri, options);
  const type =
    plan.columns.format === 'portal' ? undefined : await typeOfCells(head, complete, plan, input, options);
  return { ...plan, csvType: type?.form ?? 'raw', describes: describe(input.uri, plan, options, type) };
}

/** Encoding, delimiter and columns. Throws FatalError SOURCE_UNRECOGNISED or CONFIG_INVALID as `listManifest` does. */
export function readLayout(head: Buffer, complete: boolean, uri: string, options: ManifestOptions): Layout {
  if (head.length === 0)
    throw new FatalError('SOURCE_UNRECOGNISED', `${uri} is empty: it has no header line`);
  const { encoding, delimiter, header } = readPreface(head, uri, {
    encoding: options.encoding,
    delimiter: delimiterOf(options),
    complete,
  });
  return { encoding, delimiter, columns: requireHeader(header, uri) };
}

type Layout = Pick<ManifestPlan, 'encoding' | 'delimiter' | 'columns'>;

/** `--csv-type`, or what the first rows show. */
async function typeOfCells(
  head: Buffer,
  complete: boolean,
  layout: Layout,
  input: RowTargets,
  options: ManifestOptions,
): Promise<TypeOfCells> {
  const { csvType } = options;
  if (csvType !== undefined) return { form: csvType === 'file_path' ? 'file' : csvType, because: 'as asked' };
  return formOfCells(await sampleCells(head, complete, layout, options), input.resolveFile);
}

/** The trimmed `input` cells of the first good rows that have one. */
async function sampleCells(
  head: Buffer,
  complete: boolean,
  { encoding, delimiter, columns }: Layout,
  { maxRecordBytes }: ManifestOptions,
): Promise<string[]> {
  const cutter = new RecordCutter(cuttable(once(head), encoding), { delimiter, maxRecordBytes });
  const reader = new RowReader(cutter, { encoding, delimiter, maxRecordBytes });
  await reader.read(1);
  reader.columns = columns;
  const rows = (await reader.read(SAMPLE_CELLS * 10)) ?? [];
  // The last row may be cut off by the end of the head.
  if (!complete) rows.pop();
  return rows
    .map(({ cells }) => cells[columns.contents[0]!.index]?.trim() ?? '')
    .filter((cell) => cell !== '')
    .slice(0, SAMPLE_CELLS);
}

async function* once(buffer: Buffer): AsyncGenerator<Buffer> {
  yield buffer;
}

const DELIMITER_NAMES: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'pipe',
};
const TYPE_NAMES: Readonly<Record<CellForm, string>> = { raw: 'texts', url: 'URLs', file: 'file paths' };
const HOW: Readonly<Record<Encoding['how'], string>> = {
  default: '',
  'byte order mark': ' (by its byte order mark)',
  assumed: ' (assumed, because it is not valid UTF-8)',
  forced: ' (as asked)',
};

function describe(
  file: string,
  { encoding, delimiter, columns }: Layout,
  options: ManifestOptions,
  type: TypeOfCells | undefined,
): string {
  const names = columns.header.filter((name) => name !== '');
  const shown =
    names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
  const facts = [
    `${DELIMITER_NAMES[delimiter]}-separated`,
    `${encoding.name}${HOW[encoding.how]}`,
    ...(type === undefined ? [] : [`input cells are ${TYPE_NAMES[type.form]} (${type.because})`]),
    ...(columns.geo !== undefined && 'points' in columns.geo
      ? [`geopoints are read as ${options.geoOrder}`]
      : []),
    ...(columns.ignored.length === 0 ? [] : [`ignored: ${ignoredColumns(columns)}`]),
  ];
  const whose = columns.format === 'sdk' ? 'the SDK' : 'the portal template';
  return `CSV ${file} with the columns of ${whose} (${shown}); ${facts.join('; ')}`;
}

/** The columns that are not read, for people. */
export function ignoredColumns({ ignored }: Columns): string {
  return ignored
    .map(({ name, meant }) => `"${name}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`)
    .join(', ');
}
