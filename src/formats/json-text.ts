import { RejectedItemError } from '../model/errors.ts';
import { jsonErrorAt } from './json-error.ts';

/** Reads a JSON file. Throws RejectedItemError INPUT_INVALID_ARGUMENT with the line and column where it stops being one. */
export function parseJsonFile(bytes: Buffer, name: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RejectedItemError('INPUT_INVALID_ARGUMENT', `${name}: not UTF-8`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = jsonErrorAt(text);
    const before = text.slice(0, at).split('\n');
    const what = at === text.length ? 'it ends too early' : `unexpected ${JSON.stringify(text[at])}`;
    const place = `${name}:${before.length}:${before.at(-1)!.length + 1}`;
    throw new RejectedItemError('INPUT_INVALID_ARGUMENT', `${place}: not JSON: ${what}`, { cause: error });
  }
}
