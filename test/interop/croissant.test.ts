import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exporterNames, loadExporter } from '../../src/exporters/index.ts';
import { exportDataset } from '../../src/pipeline/export/export.ts';
import { storeWith } from '../pipeline/export/support.ts';
import { describePython } from '../support/python.ts';

interface Read {
  errors: string[];
  name: string;
  license: string[];
  distribution: string[];
  concepts: Record<string, unknown>[];
  splits: Record<string, unknown>[];
}

/** Validation throws for what is wrong; the hashes are those that Python finds. */
const READ = `
import hashlib, os
import mlcroissant as mlc

def text(value):
    return value.decode() if isinstance(value, bytes) else value

def rows(dataset, name):
    return [{k.split('/')[1]: text(v) for k, v in row.items()} for row in dataset.records(record_set=name)]

result = []
for path in data:
    dataset = mlc.Dataset(jsonld=path)
    meta = dataset.metadata
    errors = list(meta.ctx.issues.errors)
    for file in meta.distribution:
        if isinstance(file, mlc.FileObject):
            with open(os.path.join(os.path.dirname(path), file.content_url), 'rb') as f:
                if hashlib.sha256(f.read()).hexdigest() != file.sha256:
                    errors.append('hash of ' + file.content_url)
    result.append(dict(errors=errors, name=meta.name, license=[str(l) for l in meta.license],
                       distribution=[f.uuid for f in meta.distribution],
                       concepts=rows(dataset, 'concepts'), splits=rows(dataset, 'splits')))
`;

describePython('croissant', 'the croissant.json of an export', (python) => {
  it('is valid for every format, and describes the files and the labels', async () => {
    const { root, store } = await storeWith({ images: 9 });
    const paths: string[] = [];
    for (const format of exporterNames) {
      const { writes, extension = '' } = await loadExporter(format);
      const out = join(root, `${format}${extension}`);
      const { exitCode, error } = await exportDataset({ store, dataset: 'pets', format, out });
      expect([exitCode, error]).toEqual([0, undefined]);
      paths.push(writes === 'folder' ? join(out, 'croissant.json') : `${out}.croissant.json`);
    }
    const read = await python<Read[]>(READ, paths);
    expect(read).toHaveLength(exporterNames.length);
    for (const each of read) {
      expect(each).toMatchObject({
        errors: [],
        name: 'pets',
        concepts: [
          { id: 'cat', name: 'cat', positive: 18, negative: 0, regions: 9 },
          { id: 'dog', name: 'dog', positive: 0, negative: 9, regions: 0 },
        ],
        splits: [
          { name: 'test', inputs: 4 },
          { name: 'train', inputs: 5 },
        ],
      });
      expect(each.distribution.length).toBeGreaterThan(0);
    }
    expect(read[exporterNames.indexOf('coco')]!.distribution).toContain('annotations/instances_train.json');
  });
});
