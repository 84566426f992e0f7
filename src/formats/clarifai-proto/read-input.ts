import type { Kind } from '../../model/kind.ts';
import { Fields, isMessage } from '../clarifai-json-fields.ts';
import { MediaRange } from './decode.ts';
import type { Message } from './encode.ts';

/** Where the content of an input is: in the message itself, or at a URL. */
export interface InputContent {
  id: string;
  kind: Kind;
  /** Of a text its content, else what came with the image. */
  text?: string;
  /** The media as the reader left them: base64, or where they lie. */
  base64?: string | MediaRange;
  url?: string;
}

const MEDIA_KINDS = ['image', 'video', 'audio'] as const;

/**
 * Says what an `Input` in proto3 JSON holds. Names are taken in both cases. Throws FieldError naming the field that is
 * not of its type, or Error for a message without any content.
 */
export function readContent(input: Message): InputContent {
  const fields = new Fields(input);
  const id = fields.string('id');
  const data = fields.message('data');
  const text = data?.message('text');
  for (const kind of MEDIA_KINDS) {
    const media = data?.message(kind);
    if (media === undefined) continue;
    const found = (input['data'] as Record<string, Message>)[kind]!['base64'];
    const base64 = found instanceof MediaRange ? found : media.string('base64');
    const beside = text === undefined ? {} : { text: text.string('raw') };
    if (base64 !== '') return { id, kind, base64, ...beside };
    const url = urlOf(media);
    if (url !== undefined) return { id, kind, url, ...beside };
    throw new Error(`the ${kind} has neither bytes nor a URL`);
  }
  if (text === undefined) throw new Error('the input has no image, video, audio or text');
  const url = text.has('raw') ? undefined : urlOf(text);
  return { id, kind: 'text', ...(url === undefined ? { text: text.string('raw') } : { url }) };
}

/** Where the platform serves the original; else where it came from. */
function urlOf(media: Fields): string | undefined {
  const hosted = media.message('hosted');
  const [prefix = '', suffix = ''] = [hosted?.string('prefix'), hosted?.string('suffix')];
  const url = prefix === '' ? media.string('url') : `${prefix}/orig/${suffix}`;
  return url === '' ? undefined : url;
}

export const dataOf = (input: Message): Message => (isMessage(input['data']) ? { ...input['data'] } : {});
