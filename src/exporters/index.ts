import { FatalError } from '../model/errors.ts';
import type { ExporterComponent } from '../model/export.ts';

type AnyExporter = ExporterComponent<unknown>;

/** Every export format. */
const EXPORTERS = new Map<string, () => Promise<AnyExporter>>([
  ['protobuf', async () => (await import('./protobuf.ts')).protobuf as AnyExporter],
  ['json', async () => (await import('./json.ts')).json as AnyExporter],
  ['coco', async () => (await import('./coco.ts')).coco as AnyExporter],
  ['folder', async () => (await import('./folder.ts')).folder as AnyExporter],
  ['webdataset', async () => (await import('./webdataset.ts')).webdataset as AnyExporter],
  ['parquet', async () => (await import('./parquet.ts')).parquet as AnyExporter],
  ['lance', async () => (await import('./lance.ts')).lance as AnyExporter],
]);

export const exporterNames: readonly string[] = [...EXPORTERS.keys()];

/** Throws FatalError CONFIG_INVALID naming the formats there are. */
export async function loadExporter(name: string): Promise<AnyExporter> {
  const load = EXPORTERS.get(name);
  if (load === undefined) {
    const message = `no export format is named ${name}; there are ${exporterNames.join(', ')}`;
    throw new FatalError('CONFIG_INVALID', message);
  }
  return load();
}
