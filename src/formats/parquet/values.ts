import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';

/** Turns a physical value into what the rest of Sluice sees: JSON, or the bytes of a binary column. */
export type Converter = (value: never) => unknown;

/** What the values of a leaf are made into; undefined where the physical value is right as it is. */
export function converterOf(element: SchemaElement): Converter | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'UUID') return uuidText;
  if (logical?.type === 'FLOAT16') return float16;
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (value: number | bigint | Uint8Array) => decimal(integerOf(value), scale);
  }
  if (converted === 'DATE' || logical?.type === 'DATE') return dateText;
  const digits = fractionDigits(element);
  if (digits !== undefined) {
    const isTime = converted?.startsWith('TIME_') || logical?.type === 'TIME';
    const utc = logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : true;
    return isTime
      ? (value: number | bigint) => timeText(BigInt(value), digits)
      : (value: bigint) => timestampText(value, digits, utc);
  }
  if (type === 'INT96') return (nanoseconds: bigint) => timestampText(nanoseconds, 9, false);
  if (converted === 'JSON' || logical?.type === 'JSON') return jsonOf;
  if (['UTF8', 'ENUM'].includes(converted ?? '') || ['STRING', 'ENUM'].includes(logical?.type ?? ''))
    return text;
  const unsigned = converted?.startsWith('UINT_') || (logical?.type === 'INTEGER' && !logical.isSigned);
  if (type === 'INT64') return (value: bigint) => safeInteger(unsigned ? BigInt.asUintN(64, value) : value);
  if (type === 'INT32' && unsigned) return (value: number) => value >>> 0;
  return undefined;
}

/** A number where a double holds it exactly, else its digits: JSON has no other integers. */
export const safeInteger = (value: bigint): number | string =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();

/** `unscaled` × 10^-`scale`: a number where it is read back with the same digits, else its digits. */
export function decimal(unscaled: bigint, scale: number): number | string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale);
  const exact = `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${fraction}` : ''}`;
  // Any 15 significant digits survive a double.
  return digits.replace(/^0+/, '').length <= 15 ? Number(exact) : exact;
}

/** JSON of a value: bytes become base64, and numbers that JSON does not have become null. */
export function jsonValue(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof BinaryValue) return Buffer.from(value.bytes).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonValue(part)]));
}

/** The bytes of one cell. They are of the page being read; what must outlive it keeps `reread` instead. */
export class BinaryValue {
  readonly bytes: Uint8Array;
  /** Reads the bytes from the file again; throws as reading does when the file has changed. */
  readonly reread: () => Promise<Uint8Array>;

  constructor(bytes: Uint8Array, reread: () => Promise<Uint8Array>) {
    this.bytes = bytes;
    this.reread = reread;
  }
}

function fractionDigits({ converted_type: converted, logical_type: logical }: SchemaElement) {
  if (logical?.type === 'TIMESTAMP' || logical?.type === 'TIME') {
    return logical.unit === 'MILLIS' ? 3 : logical.unit === 'MICROS' ? 6 : 9;
  }
  if (converted === 'TIMESTAMP_MILLIS' || converted === 'TIME_MILLIS') return 3;
  return converted === 'TIMESTAMP_MICROS' || converted === 'TIME_MICROS' ? 6 : undefined;
}

/** What says to be text and is no UTF-8 stays bytes: who needs a text can then say so, and nothing is replaced. */
function text(bytes: Uint8Array): string | Uint8Array {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    : bytes;
}

function jsonOf(bytes: Uint8Array): unknown {
  const json = text(bytes);
  try {
    return JSON.parse(json as string);
  } catch {
    return json;
  }
}

function integerOf(value: number | bigint | Uint8Array): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value);
  const hex = Buffer.from(value).toString('hex');
  return BigInt.asIntN(value.length * 8, hex === '' ? 0n : BigInt(`0x${hex}`));
}

function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** IEEE 754 binary16, little-endian. */
function float16(bytes: Uint8Array): number {
  const bits = (bytes[1]! << 8) | bytes[0]!;
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function dateText(days: number): string {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime()) ? `${days} days` : date.toISOString().replace(/T.*/, '');
}

/** ISO 8601 with as many digits as are not zero; a local time has no `Z`. `ticks` are 10^-`digits` seconds. */
function timestampText(ticks: bigint, digits: number, utc: boolean): string {
  const perSecond = 10n ** BigInt(digits);
  const fraction = ((ticks % perSecond) + perSecond) % perSecond;
  const date = new Date(Number((ticks - fraction) / perSecond) * 1000);
  if (Number.isNaN(date.getTime())) return ticks.toString();
  return `${date.toISOString().slice(0, -5)}${fractionText(fraction, digits)}${utc ? 'Z' : ''}`;
}

function timeText(ticks: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  const seconds = Number(ticks / perSecond);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return clock + fractionText(ticks % perSecond, digits);
}

function fractionText(fraction: bigint, digits: number): string {
  const shown = fraction.toString().padStart(digits, '0').replace(/0+$/, '');
  return shown === '' ? '' : `.${shown.length < 3 ? shown.padEnd(3, '0') : shown}`;
}
