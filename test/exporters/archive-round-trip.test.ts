import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { json } from '../../src/exporters/json.ts';
import { protobuf } from '../../src/exporters/protobuf.ts';
import { clarifaiArchive } from '../../src/loaders/clarifai-archive.ts';
import { isOutcome, type SourceItem } from '../../src/model/contracts.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { testContext } from '../support/context.ts';
import { attempt, type Held, heldInput, memorySource } from '../support/memory-export.ts';
import { randomInputs } from '../support/random-inputs.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXPORTERS = [protobuf, json] as unknown as readonly ExporterComponent<never>[];

/** What an ingest stores of an item, as far as a version has it. */
async function ingested(item: SourceItem, { media }: Held): Promise<object> {
  const { id, kind, text, concepts = [], metadata = {}, geo, split } = item;
  const { annotations, problems, warnings } = checkAnnotations(item.annotations ?? [], {
    inputId: id,
    kind: kind!,
    media: media!,
  });
  expect(problems).toEqual([]);
  expect(warnings).toEqual([]);
  const content = item.open === undefined ? undefined : await buffer(await item.open(testContext().signal));
  return { id, kind, text, concepts, metadata, geo, split, annotations, content };
}

function expected(held: Held): object {
  const { id, kind, text, concepts, metadata, geo, split, annotations } = heldInput(held);
  return { id, kind, text, concepts, metadata, geo, split, annotations, content: held.content };
}

describe.each(EXPORTERS)('an archive of $name', (exporter) => {
  it('gives back what was exported, whatever that is', async () => {
    const file = join(await tempFolder(), 'archive.zip');
    await fc.assert(
      fc.asyncProperty(randomInputs, fc.integer({ min: 1, max: 3 }), async (inputs, batchItems) => {
        const { outcomes, result } = await attempt(exporter, memorySource(inputs), file, { batchItems });
        expect(outcomes.map(({ code }) => code)).toEqual(inputs.map(() => 'EXPORTED'));
        expect(result!.annotations).toEqual({
          written: inputs.reduce((sum, { annotations }) => sum + annotations!.length, 0),
          leftOut: 0,
        });
        const loader = await clarifaiArchive.open(file, clarifaiArchive.options.parse({}));
        const byId = new Map(inputs.map((held) => [held.id, held]));
        const listing = loader.list(testContext());
        let next = await listing.next();
        for (; !next.done; next = await listing.next()) {
          if (isOutcome(next.value)) throw new Error(next.value.message);
          const held = byId.get(next.value.id)!;
          expect(await ingested(next.value, held)).toEqual(expected(held));
          byId.delete(held.id);
        }
        expect(next.value).toMatchObject({ complete: true });
        expect([...byId]).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });
});
