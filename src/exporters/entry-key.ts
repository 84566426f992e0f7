import { deriveId } from '../model/ids.ts';

const PLAIN = /^[a-z0-9_-]{1,100}$/;
/** What Windows takes for a device. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/**
 * What an input's files are called in an archive or beside a table: its id, or where that has more than lower-case ASCII
 * letters, digits, `_` and `-`, a readable part of it and 80 bits of its hash. So it has no dot, which in WebDataset ends
 * the key, and no two differ by letter case alone.
 */
export const entryKey = (id: string): string =>
  PLAIN.test(id) && !DEVICE.test(id) ? id : deriveId(id, id.replace(/[./\\]/g, '-'));
