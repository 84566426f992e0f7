import { describe, expect, it } from 'vitest';
import { readHeader, requireHeader } from '../../../src/formats/csv/columns.ts';

const split = (header: string): string[] => header.split(',');

describe('the columns of the SDK', () => {
  it('are known in any order, case and with blanks around them', () => {
    expect(readHeader(split('Concepts, input ,geopoints,INPUTID,metadata'))).toMatchObject({
      format: 'sdk',
      contents: [{ index: 1, name: 'input', form: 'input' }],
      conceptList: 0,
      geo: { points: 2 },
      id: 3,
      metadata: [4],
      min: 5,
      max: 5,
      ignored: [],
    });
  });

  it('may be the input alone', () => {
    expect(readHeader(['input'])).toMatchObject({ format: 'sdk', concepts: [], metadata: [] });
  });

  it('leave out unknown ones, and say what may have been meant', () => {
    expect(readHeader(split('input,Concept,input_id,notes'))?.ignored).toEqual([
      { name: 'Concept', meant: 'concepts' },
      { name: 'input_id', meant: 'inputid' },
      { name: 'notes' },
    ]);
  });
});

describe('the columns of the portal template', () => {
  it('are known, with the trailing empty one that rows may leave out', () => {
    const header =
      'input.data.image.url,input.data.concepts[0].id,input.data.concepts[0].value,input.data.concepts[1].id,input.data.concepts[1].value,';
    expect(readHeader(split(header))).toMatchObject({
      format: 'portal',
      contents: [{ index: 0, form: 'url', kind: 'image' }],
      concepts: [
        { id: 1, value: 2, list: false },
        { id: 3, value: 4, list: false },
      ],
      min: 5,
      max: 6,
    });
  });

  it('take a literal [*], both names of metadata, and the two geo columns', () => {
    const header =
      'input.id,input.data.text.raw,input.data.concepts[*].id,input.metadata,input.data.metadata,input.data.geo.geo_point.latitude,input.data.geo.geo_point.longitude';
    expect(readHeader(split(header))).toMatchObject({
      id: 0,
      concepts: [{ id: 2, list: true }],
      metadata: [4, 3],
      geo: { latitude: 5, longitude: 6 },
      ignored: [],
    });
  });

  it('do not read half a point or the names of the SDK', () => {
    const columns = readHeader(split('input.data.text.raw,inputid,input.data.geo.geo_point.latitude'));
    expect(columns?.geo).toBeUndefined();
    expect(columns?.ignored.map(({ name }) => name)).toEqual([
      'inputid',
      'input.data.geo.geo_point.latitude',
    ]);
  });
});

describe('a header that is not usable', () => {
  it('is refused with what was seen and what may have been meant', () => {
    expect(() => requireHeader(split('id,inputs,label'), 'a.csv')).toThrow(
      expect.objectContaining({
        code: 'SOURCE_UNRECOGNISED',
        message: expect.stringMatching(/a\.csv:1:1.*"id", "inputs", "label".*did you mean input\?/),
      }),
    );
    expect(readHeader(['constructor', 'toString'])).toBeUndefined();
  });

  it('is refused when it names a column twice', () => {
    expect(() => requireHeader(split('input,concepts,input'), 'a.csv')).toThrow(/"input" twice/);
    expect(() => requireHeader(split('input,,,notes,notes'), 'a.csv')).not.toThrow();
  });
});
