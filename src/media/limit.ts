import { RejectedItemError } from '../model/errors.ts';

/** A bound on what may be measured. */
export interface Bound {
  readonly value: number;
  /** What `value` counts, for people: MP, MB, min … */
  readonly unit: string;
  /** Whether the value itself is too much already ("less than 20 MB"). */
  readonly exclusive: boolean;
}

/** Throws RejectedItemError INPUT_OVER_LIMIT, such as `IMAGE 571 MP > 85 MP`. */
export function checkLimit(what: string, measured: number, { value, unit, exclusive }: Bound): void {
  if (exclusive ? measured < value : measured <= value) return;
  const relation = exclusive ? '>=' : '>';
  const message = `${what.toUpperCase()} ${shown(measured, value)} ${unit} ${relation} ${value} ${unit}`;
  throw new RejectedItemError('INPUT_OVER_LIMIT', message, { measured, limit: value });
}

/** Few digits, but as many as it takes to see on which side of the limit the measure is. */
function shown(measured: number, limit: number): string {
  for (let digits = 0; digits < 6; digits++) {
    const text = measured.toFixed(digits);
    if (Number(text) > limit && Math.abs(Number(text) - measured) < measured / 100) return text;
  }
  return String(measured);
}
