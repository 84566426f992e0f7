/** Markup that is safe to write out; only `html` makes it. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

export type Content = Html | string | number | undefined | readonly Content[];

/** A template whose values are escaped, unless they are markup themselves; an undefined value is nothing. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  let markup = strings[0]!;
  values.forEach((value, i) => {
    markup += write(value) + strings[i + 1]!;
  });
  return new Html(markup);
}

function write(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(write).join('');
  return escaped(String(value));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** What is invisible or turns the direction of the text after it; tabs and line breaks are harmless. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text for an element or a quoted attribute. Control characters are shown as escapes, lone surrogates as U+FFFD. */
function escaped(text: string): string {
  return wellFormed(text)
    .replace(/[&<>"']/g, (c) => ENTITIES[c]!)
    .replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** At most `length` characters, with both ends, for the end of a path is what tells it apart. */
export function shortened(text: string, length = 120): string {
  const characters = text.length > length * 4 ? ends(text, length * 2) : [...text];
  if (characters.length <= length) return text;
  const tail = Math.floor(length / 2);
  return `${characters.slice(0, length - tail - 1).join('')}…${characters.slice(-tail).join('')}`;
}

/** Splitting megabytes into characters to show a hundred of them would be a waste. */
const ends = (text: string, units: number): string[] => [...text.slice(0, units), ...text.slice(-units)];

/** A name from a source: isolated, so that its writing direction stays its own. */
export const name = (text: string, length?: number): Html => html`<bdi>${shortened(text, length)}</bdi>`;
