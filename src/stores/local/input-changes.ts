import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { checkAnnotations } from '../../annotations/check.ts';
import { parseAnnotation } from '../../formats/annotation-json.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { Concept, Geo, Metadata } from '../../model/labels.ts';
import { type PatchAction, patchObject } from '../../model/patch.ts';
import { changeStore, type MaintenanceOptions } from './held-store.ts';
import { uniqueConcepts } from './merge.ts';
import { changeRows, chosenRows, uniqueIds } from './row-changes.ts';
import { type InputRow, NO_ANNOTATIONS } from './rows.ts';

export interface ChangedInputs {
  changed: number;
  unchanged: number;
  /** Ids that no input has. */
  missing: number;
}

/** What an input has beside its media, in the form of an input line. */
const patchable = z.strictObject({
  concepts: z
    .array(
      z
        .strictObject({
          id: z.string().min(1),
          name: z.string().min(1).optional(),
          value: z.number().min(0).max(1).default(1),
        })
        .transform(({ id, name, value }): Concept => ({ id, name: name ?? id, value })),
    )
    .default([]),
  metadata: z.record(z.string(), z.unknown()).default({}),
  geo: z
    .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
    .optional(),
  split: z.string().min(1).optional(),
  annotations: z.array(z.unknown()).optional(),
});

/**
 * Patches inputs with an object that may have `concepts`, `metadata`, `geo`, `split` and `annotations`.
 *
 * `overwrite` replaces the first three, which are the platform's `data` without the media, by what is given, or by
 * nothing; split and annotations only when they are given. Throws FatalError CONFIG_INVALID, and changes
 * nothing, when one of the results would not be an input.
 */
export function patchInputs(
  root: string,
  ids: readonly string[],
  { action, patch }: { action: PatchAction; patch: Metadata },
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedInputs> {
  const unknown = Object.keys(patch).find((field) => !Object.hasOwn(patchable.shape, field));
  if (unknown !== undefined) {
    const fields = Object.keys(patchable.shape).join(', ');
    throw new FatalError('CONFIG_INVALID', `an input has no field ${unknown} to patch; it has ${fields}`);
  }
  return changeInputs(root, 'inputs patch', ids, options, ctx, (row) => patched(row, action, patch));
}

/** Deletes the annotations of inputs. Their own concepts stay: those go only with the input. */
export function deleteAnnotations(
  root: string,
  ids: readonly string[],
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedInputs> {
  return changeInputs(root, 'inputs annotations delete', ids, options, ctx, (row) => ({
    ...row,
    annotations: NO_ANNOTATIONS,
  }));
}

function changeInputs(
  root: string,
  task: string,
  ids: readonly string[],
  options: MaintenanceOptions,
  ctx: Context,
  change: (row: InputRow) => InputRow,
): Promise<ChangedInputs> {
  return changeStore(root, task, options, ctx, async (store) => {
    const updatedAt = ctx.clock.now();
    const changedOrNot = (row: InputRow) => {
      const next = change(row);
      return isDeepStrictEqual(next, row) ? undefined : { ...next, updatedAt };
    };
    // All of them first: were only some patched, a second attempt would append to their lists again.
    for await (const row of chosenRows(store, { ids })) change(row);
    const { found, changed } = await changeRows(store, { ids }, changedOrNot, ctx);
    return { changed, unchanged: found - changed, missing: uniqueIds(ids).length - found };
  });
}

function patched(row: InputRow, action: PatchAction, patch: Metadata): InputRow {
  const { concepts, metadata, geo, split } = row;
  const annotations =
    patch['annotations'] === undefined ? undefined : (JSON.parse(row.annotations) as unknown);
  const stored = present({ concepts, metadata, geo, split, annotations });
  const kept = action === 'overwrite' ? present({ split, annotations }) : {};
  const { success, data, error } = patchable.safeParse({ ...kept, ...patchObject(action, stored, patch) });
  if (!success) {
    const { path, message } = error.issues[0]!;
    throw refused(row.id, [...path.map(String), message].join(': '));
  }
  return {
    ...row,
    concepts: uniqueConcepts(data.concepts),
    metadata: data.metadata,
    geo: data.geo as Geo | undefined,
    split: data.split,
    annotations: annotations === undefined ? row.annotations : checked(row, data.annotations ?? []),
  };
}

/** As JSON. */
function checked({ id, kind, media, text }: InputRow, given: readonly unknown[]): string {
  const entries = given.map((value, i) => parseAnnotation(value, `annotations[${i}]`));
  const length =
    kind === 'text' && text !== undefined ? { textLength: Buffer.from(text).toString().length } : {};
  const { annotations, problems } = checkAnnotations(entries, { inputId: id, kind, media, ...length });
  const [problem] = problems;
  if (problem !== undefined) throw refused(id, `${problem.ref}: ${problem.message}`);
  return JSON.stringify(annotations satisfies Annotation[]);
}

const refused = (id: string, why: string): FatalError =>
  new FatalError('CONFIG_INVALID', `the patch cannot be applied to input ${id}: ${why}`);

const present = (fields: Record<string, unknown>): Metadata =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
