import { RejectedItemError } from '../model/errors.ts';

/** What a value is, to show; long ones are cut. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** RejectedItemError ANNOTATION_INVALID_ARGUMENT that names the field. */
export const invalid = (field: string, wanted: string, value: unknown): RejectedItemError =>
  new RejectedItemError('ANNOTATION_INVALID_ARGUMENT', `${field}: ${shown(value)} is not ${wanted}`, {
    measured: shown(value),
  });

export const notFinite = (field: string, value: unknown): RejectedItemError =>
  invalid(field, 'a finite number', value);

export function checkFinite(field: string, value: unknown): void {
  if (!Number.isFinite(value)) throw notFinite(field, value);
}

export function checkString(field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a text that is not empty', value);
}
