import type { DatasetVersion } from '../../model/dataset.ts';
import type { DescribedFile } from './described-files.ts';

export interface Described {
  version: DatasetVersion;
  license: string | undefined;
  format: string;
  files: readonly DescribedFile[];
}

/** As the specification of Croissant 1.0 gives it (docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html). */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileObject: 'cr:fileObject',
  fileProperty: 'cr:fileProperty',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  rai: 'http://mlcommons.org/croissant/RAI/',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
};

type Column = 'sc:Text' | 'sc:Integer';

/** `croissant.json`: the files of an export, and the concepts and splits of its version as record sets. */
export function croissantOf({ version, license, format, files }: Described): string {
  const { dataset, description, concepts, inputsBySplit, metrics } = version;
  const splits = Object.entries(inputsBySplit);
  const recordSet = [
    recordSetOf(
      'concepts',
      'Concepts of inputs and of annotations, with how often each is present, negative, and of a region.',
      {
        id: 'sc:Text',
        name: 'sc:Text',
        positive: 'sc:Integer',
        negative: 'sc:Integer',
        regions: 'sc:Integer',
      },
      Object.entries(concepts).map(([id, counts]) => ({ id, ...counts })),
    ),
    recordSetOf(
      'splits',
      'Splits, with how many inputs each has.',
      { name: 'sc:Text', inputs: 'sc:Integer' },
      splits.map(([name, inputs]) => ({ name, inputs })),
      'cr:Split',
    ),
  ].filter((set) => set !== undefined);
  const document = {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    name: dataset,
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    description:
      description ??
      `${metrics.inputsCount} inputs of the dataset ${dataset}, version ${version.id}, exported as ${format}.`,
    datePublished: version.createdAt,
    license: license ?? 'unspecified',
    // Its version must have three numbers; the id of ours is any text, the hash says what the content is.
    version: '1.0.0',
    identifier: `sha256:${version.contentHash}`,
    alternateName: version.id,
    distribution: files.map(fileOf),
    ...(recordSet.length === 0 ? {} : { recordSet }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function fileOf(file: DescribedFile): object {
  if ('includes' in file) {
    const { includes, count, mime } = file;
    return {
      '@type': 'cr:FileSet',
      '@id': includes,
      name: includes,
      description: `${count} files`,
      includes,
      encodingFormat: mime,
    };
  }
  const { path, bytes, sha256, mime } = file;
  return {
    '@type': 'cr:FileObject',
    '@id': path,
    name: path,
    contentUrl: path,
    contentSize: `${bytes} B`,
    encodingFormat: mime,
    sha256,
  };
}

/** A record set whose rows stand in the document; undefined where there are none. */
function recordSetOf(
  id: string,
  description: string,
  columns: Record<string, Column>,
  rows: readonly object[],
  dataType?: string,
): object | undefined {
  if (rows.length === 0) return undefined;
  const [key] = Object.keys(columns);
  return {
    '@type': 'cr:RecordSet',
    '@id': id,
    name: id,
    description,
    ...(dataType === undefined ? {} : { dataType }),
    key: { '@id': `${id}/${key}` },
    field: Object.entries(columns).map(([name, type]) => ({
      '@type': 'cr:Field',
      '@id': `${id}/${name}`,
      name,
      dataType: type,
    })),
    data: rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [`${id}/${name}`, value])),
    ),
  };
}
