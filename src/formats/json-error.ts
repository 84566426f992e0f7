const NUMBER_OR_NAME = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/**
 * Where a text stops being JSON, as an offset in UTF-16 units: its length where more is missing, unless the end cuts a
 * number, name or escape. For texts that `JSON.parse` refused, because its errors do not always say.
 */
export function jsonErrorAt(text: string): number {
  /** What closes the open brackets, the innermost last. */
  const closers: string[] = [];
  let expected: Expected = 'value';
  for (let at = skipBlanks(text, 0); ; at = skipBlanks(text, at)) {
    const char = text[at];
    if (char === undefined) return text.length;
    if ((expected === 'value or ]' && char === ']') || (expected === 'key or }' && char === '}')) {
      closers.pop();
      expected = ', or end';
      at++;
    } else if (expected === 'value' || expected === 'value or ]') {
      if (char === '{' || char === '[') {
        closers.push(char === '{' ? '}' : ']');
        expected = char === '{' ? 'key or }' : 'value or ]';
        at++;
      } else {
        const end = char === '"' ? stringEnd(text, at) : matchEnd(NUMBER_OR_NAME, text, at);
        if (end < 0) return ~end;
        at = end;
        expected = ', or end';
      }
    } else if (expected === 'key' || expected === 'key or }') {
      const end = char === '"' ? stringEnd(text, at) : ~at;
      if (end < 0) return ~end;
      at = end;
      expected = ':';
    } else if (expected === ':') {
      if (char !== ':') return at;
      at++;
      expected = 'value';
    } else {
      const closer = closers.at(-1);
      if (char === closer) closers.pop();
      else if (char === ',' && closer !== undefined) expected = closer === '}' ? 'key' : 'value';
      else return at;
      at++;
    }
  }
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

/** Behind the closing quote of the string that begins at `from`; `~` of where it is wrong. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '"') return at + 1;
    if (text.charCodeAt(at) < 0x20) return ~at;
    if (text[at] !== '\\') continue;
    const end = matchEnd(ESCAPE, text, at);
    if (end < 0) return end;
    at = end - 1;
  }
  return ~text.length;
}

/** Behind what a sticky pattern matches at `at`; `~at` where it does not. */
function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : ~at;
}
