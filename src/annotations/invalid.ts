import { RejectedItemError } from '../model/errors.ts';

/** What a value is, to show; long ones are cut. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What a field is called; a function where there are many, so that a name is made for the wrong one only. */
export type Field = string | (() => string);

/** RejectedItemError ANNOTATION_INVALID_ARGUMENT that names the field. */
export function invalid(field: Field, wanted: string, value: unknown): RejectedItemError {
  const name = typeof field === 'string' ? field : field();
  return new RejectedItemError('ANNOTATION_INVALID_ARGUMENT', `${name}: ${shown(value)} is not ${wanted}`, {
    measured: shown(value),
  });
}

export function checkFinite(field: Field, value: unknown): void {
  if (!Number.isFinite(value)) throw invalid(field, 'a finite number', value);
}

export function checkString(field: Field, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a text that is not empty', value);
}
