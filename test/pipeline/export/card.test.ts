import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { DatasetVersion } from '../../../src/model/dataset.ts';
import { type Card, renderCard } from '../../../src/pipeline/export/card.ts';

const METRICS = {
  inputsCount: 3,
  unlabeledInputsCount: 1,
  inputsWithMetadataCount: 0,
  inputsWithGeoCount: 0,
  regionsCount: 4,
  boundingBoxesCount: 4,
  polygonsCount: 0,
  pointsCount: 0,
  masksCount: 0,
  framesCount: 0,
  embeddingsCount: 0,
  positiveInputTagsCount: 2,
  positiveRegionTagsCount: 4,
  positiveFrameTagsCount: 0,
  regionInputsCount: 2,
  regionFramesCount: 0,
  frameInputsCount: 0,
};

const version = (given: Partial<DatasetVersion> = {}): DatasetVersion => ({
  dataset: 'pets',
  id: 'v1',
  metadata: {},
  createdAt: '2026-11-21T10:45:12.345Z',
  contentHash: 'ab'.repeat(32),
  metrics: METRICS,
  inputsByKind: { image: 3 },
  inputsBySplit: { train: 2 },
  concepts: { cat: { name: 'Cat', positive: 5, negative: 1, regions: 4 } },
  bytes: 1_500_000,
  annotationsLeftOut: 2,
  ...given,
});

const card = (given: Partial<Card> = {}): Card => ({
  version: version(),
  license: undefined,
  command: 'sluice export pets@v1 --format coco --out pets',
  format: 'coco',
  losses: [{ id: 'points', what: 'Single points', instead: 'Left out' }],
  result: { files: [], losses: { points: 7 }, annotations: { written: 4, leftOut: 7 } },
  ...given,
});

const headOf = (text: string) => parse(/^---\n([\s\S]*?)\n---\n/.exec(text)![1]!);

describe('the dataset card', () => {
  it('has a head that the hub reads', () => {
    expect(headOf(renderCard(card()))).toEqual({
      pretty_name: 'pets',
      license: 'other',
      license_name: 'unspecified',
      task_categories: ['image-classification', 'object-detection'],
      size_categories: ['n<1K'],
      tags: ['sluice', 'coco'],
    });
    expect(headOf(renderCard(card({ license: 'cc-by-4.0' })))).toMatchObject({ license: 'cc-by-4.0' });
  });

  it.each([
    [999, 'n<1K'],
    [1_000, '1K<n<10K'],
    [99_999, '10K<n<100K'],
    [1_000_000, '1M<n<10M'],
    [10 ** 12, 'n>1T'],
  ])('says of %i inputs that they are %s', (inputsCount, category) => {
    const text = renderCard(card({ version: version({ metrics: { ...METRICS, inputsCount } }) }));
    expect(headOf(text).size_categories).toEqual([category]);
  });

  it('counts splits with what is in none, concepts, annotations, losses, and what the filter kept out', () => {
    const text = renderCard(card());
    for (const line of [
      '| train | 2 |',
      '| (none) | 1 |',
      '| `cat` | Cat | 5 | 1 | 4 |',
      '| Single points | Left out | 7 |',
      '| boxes | 4 |',
      '11 annotations of exported inputs: 4 are in the files, 7 are not. 2 were kept out of the version by their status.',
      'sluice export pets@v1 --format coco --out pets',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('is not changed in its make-up by names that are Markdown, HTML or YAML', () => {
    const hostile = '"]: *x* | <img src=x onerror=y>\n---\n# `';
    const text = renderCard(
      card({
        version: version({
          dataset: hostile,
          description: hostile,
          concepts: { [hostile]: { name: hostile, positive: 1, negative: 0, regions: 0 } },
          inputsBySplit: { [hostile]: 3 },
        }),
      }),
    );
    expect(headOf(text).pretty_name).toBe(hostile);
    const body = text.slice(text.indexOf('\n---\n') + 5);
    expect(body.split('\n').filter((line) => /^(# |---$)/.test(line))).toHaveLength(1);
    const outsideOfCode = body.replace(/`` .*? ``/g, '');
    expect(outsideOfCode).not.toMatch(/(^|[^\\])<img/);
  });
});
