import type { Kind } from '../../model/kind.ts';
import type { Message } from './encode.ts';
import type { Outside, Piece } from './wire-writer.ts';

/** An element of an `InputBatch` in proto3 JSON, zeros written out; the base64 of its media is outside of it. */
export function inputJson(message: Message, kind: Kind): Piece[] {
  const { id, data } = message as { id: string; data: Record<string, Message> };
  const { [kind]: content, ...rest } = data;
  const { base64, ...info } = content!;
  if (base64 === undefined) return [Buffer.from(JSON.stringify(message))];
  const head = `{"id":${JSON.stringify(id)},"data":{"${kind}":{"base64":"`;
  const tail = `"${more(info)}}${more(rest)}}}`;
  return [Buffer.from(head), { outside: base64Bytes((base64 as Outside).outside) }, Buffer.from(tail)];
}

/** Length of base64 with its padding. */
const base64Bytes = (bytes: number): number => Math.ceil(bytes / 3) * 4;

/** Further members of an object. */
const more = (members: Message): string =>
  Object.keys(members).length === 0 ? '' : `,${JSON.stringify(members).slice(1, -1)}`;
