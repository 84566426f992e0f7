import { describe, expect, it } from 'vitest';
import type { SourceItem } from '../../src/model/contracts.ts';
import { document, folderOf, labelsOf, leftOver, opened } from './coco-labels.ts';

const FILE = 'annotations/instances_train.json';

/** Which annotation ids an item is given by a file with these images, each with one annotation of the image's id. */
async function given(
  names: string[],
  item: string | SourceItem,
  files: Record<string, string> = {},
): Promise<string[] | undefined> {
  const images = Object.fromEntries(names.map((name, i) => [name, i + 1]));
  const source = await opened(await folderOf({ [FILE]: document(images), ...files }));
  const labels = await labelsOf(source, item);
  return labels?.annotations?.map((entry) => ('code' in entry ? entry.message : entry.id!));
}

describe('an image of a COCO file', () => {
  it.each([
    ['a.jpg', 'a.jpg'],
    ['a.jpg', 'images/a.jpg'],
    ['a.jpg', 'train/a.jpg'],
    ['a.jpg', 'images/train/a.jpg'],
    ['sub/a.jpg', 'images/train/sub/a.jpg'],
    ['images/a.jpg', 'images/a.jpg'],
    ['./images//a.jpg', 'images/a.jpg'],
    ['images\\a.jpg', 'images/a.jpg'],
    ['train2017/a.jpg', 'a.jpg'],
    ['a.jpg', 'deep/down/a.jpg'],
    ['a.jpg', 'x.zip!/set/a.jpg'],
    ['/home/me/data/a.jpg', 'photos/a.jpg'],
    ['C:\\data\\a.jpg', 'a.jpg'],
    ['../images/a.jpg', 'photos/a.jpg'],
    ['https://host/bucket/a.jpg', 'a.jpg'],
    ['caf\u00e9.jpg', 'cafe\u0301.jpg'],
    ['cafe\u0301.jpg', 'caf\u00e9.jpg'],
    ['caf%C3%A9%20(1).jpg', 'café (1).jpg'],
    ['100%.jpg', '100%.jpg'],
    ['a%41.jpg', 'a%41.jpg'],
    ['a#1.jpg', 'a#1.jpg'],
    ['a.jpg', 'a.jpg#2'],
    ['a#7', './a%237'],
  ])('named %s is the item %s', async (name, uri) => {
    expect(await given([name], uri)).toEqual(['1']);
  });

  it.each([
    ['a.jpg', 'b.jpg'],
    ['a.jpg', 'aa.jpg'],
    ['a.jpg', 'A.jpg'],
    ['a.jpg', 'a.png'],
    ['x/a.jpg', 'y/a.jpg'],
    ['a.jpg/..', 'a.jpg'],
    ['a.b.jpg', 'a.c.jpg'],
  ])('named %s is not the item %s', async (name, uri) => {
    expect(await given([name], uri)).toBeUndefined();
  });

  it('is told from others of its name by the folder', async () => {
    expect(await given(['x/1.jpg', 'y/1.jpg', '1.jpg'], 'images/y/1.jpg')).toEqual(['2']);
    expect(await given(['/d/x/1.jpg', '/d/y/1.jpg'], 'y/1.jpg')).toEqual(['2']);
  });

  it('is the row of a table by its file or address, not by its line', async () => {
    const base = await folderOf({ [FILE]: document({ 'a.jpg': 1 }) });
    const source = await opened(base);
    const item = { id: 'x', uri: 'rows.csv#L3' };
    expect((await labelsOf(source, { ...item, file: `${base}/photos/a.jpg` }))?.annotations).toHaveLength(1);
    const url = { ...item, url: 'https://host/a.jpg?token=1' };
    expect((await labelsOf(await opened(base), url))?.annotations).toHaveLength(1);
    expect(await labelsOf(source, item)).toBeUndefined();
  });

  it('is not another file of its name while its own is there', async () => {
    const files = { 'images/train/a.jpg': 'pixels' };
    expect(await given(['a.jpg'], 'thumbs/a.jpg', files)).toBeUndefined();
    expect(await given(['a.jpg'], 'images/train/a.jpg', files)).toEqual(['1']);
  });

  it.runIf(process.platform === 'linux')(
    'spelled as another file is that file and not its double',
    async () => {
      const names = ['caf\u00e9.jpg', 'cafe\u0301.jpg'];
      const files = Object.fromEntries(names.map((name) => [name, 'pixels']));
      for (const [i, name] of names.entries()) {
        expect(await given(names, name, files)).toEqual([String(i + 1)]);
        expect(await given([name], names[1 - i]!, files)).toBeUndefined();
      }
      const encoded = { 'a b.jpg': 'pixels', 'a%20b.jpg': 'pixels' };
      expect(await given(['a%20b.jpg'], 'a b.jpg', encoded)).toBeUndefined();
      expect(await given(['a%20b.jpg'], 'a b.jpg', { 'a b.jpg': 'pixels' })).toEqual(['1']);
    },
  );

  it('whose name leads out of the source is not looked for there', async () => {
    expect(await given(['../../etc/passwd'], 'x/passwd')).toEqual(['1']);
    expect(await given(['a\0b'], 'x/a\0b')).toEqual(['1']);
  });

  it('without annotations is known, too', async () => {
    const source = await opened(await folderOf({ [FILE]: document({ 'a.jpg': 1 }, []) }));
    expect(await source.match({ id: 'a', uri: 'a.jpg' })).toMatchObject({ annotations: 0 });
    expect(await leftOver(source)).toEqual([]);
  });
});

describe('what cannot be told apart', () => {
  it('is a problem that names both images', async () => {
    const [message] = (await given(['/d/x/1.jpg', '/d/y/1.jpg'], '1.jpg'))!;
    expect(message).toContain(`1.jpg may be /d/x/1.jpg of ${FILE} or /d/y/1.jpg of ${FILE}`);
  });

  it('is a problem that names both items', async () => {
    const source = await opened(await folderOf({ [FILE]: document({ 'a.jpg': 1 }) }));
    expect((await labelsOf(source, 'x.zip!/a.jpg'))?.annotations).toMatchObject([{ id: '1' }]);
    expect((await labelsOf(source, 'y.zip!/a.jpg'))?.annotations).toMatchObject([
      {
        code: 'LABELS_AMBIGUOUS',
        message: expect.stringContaining('fit y.zip!/a.jpg and went to x.zip!/a.jpg'),
      },
    ]);
  });

  it('in files of two splits is told by the folder where that is possible', async () => {
    const base = await folderOf({
      [FILE]: document({ 'a.jpg': 1 }),
      'annotations/instances_val.json': document({ 'a.jpg': 1 }),
    });
    expect(await labelsOf(await opened(base), 'set.zip!/top/images/val/a.jpg')).toMatchObject({
      split: 'val',
    });
    const { annotations } = (await labelsOf(await opened(base), 'other/a.jpg'))!;
    expect(annotations).toMatchObject([
      { code: 'LABELS_AMBIGUOUS', message: expect.stringContaining('other/a.jpg may be a.jpg of') },
    ]);
  });

  it('leaves its images over', async () => {
    const source = await opened(await folderOf({ [FILE]: document({ '/d/x/1.jpg': 1, '/d/y/1.jpg': 2 }) }));
    await labelsOf(source, '1.jpg');
    expect((await leftOver(source)).map(({ uri }) => uri)).toEqual([`${FILE}#images/1`, `${FILE}#images/2`]);
  });
});
