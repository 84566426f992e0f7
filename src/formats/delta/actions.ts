import { z } from 'zod';
import { FatalError } from '../../model/errors.ts';

/** 64-bit integers are numbers in JSON logs, and numbers or digits out of checkpoints. */
const long = z.coerce.number();
const texts = z.record(z.string(), z.string().nullable());

const deletionVector = z.object({
  storageType: z.string(),
  pathOrInlineDv: z.string(),
  offset: z.number().nullish(),
  sizeInBytes: z.number(),
  cardinality: long,
});
export type DeletionVector = z.infer<typeof deletionVector>;

const add = z.object({
  path: z.string(),
  partitionValues: texts.nullish(),
  size: long,
  stats: z.string().nullish(),
  deletionVector: deletionVector.nullish(),
});
export type AddFile = z.infer<typeof add>;

const remove = z.object({ path: z.string(), deletionVector: deletionVector.nullish() });

const metaData = z.object({
  id: z.string(),
  format: z.object({ provider: z.string() }).nullish(),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()).nullish(),
  configuration: texts.nullish(),
});
export type TableMetadata = z.infer<typeof metaData>;

const protocol = z.object({
  minReaderVersion: z.number(),
  readerFeatures: z.array(z.string()).nullish(),
});
export type Protocol = z.infer<typeof protocol>;

const sidecar = z.object({ path: z.string() });

/** What a line of a commit, or a row of a checkpoint, may hold; the kinds that do not change what is read are left out. */
const action = z.object({
  add: add.nullish(),
  remove: remove.nullish(),
  metaData: metaData.nullish(),
  protocol: protocol.nullish(),
  sidecar: sidecar.nullish(),
});
export type Action = z.infer<typeof action>;

/** The columns of a checkpoint, and of each the fields, that make its rows actions. */
export const ACTION_FIELDS: Readonly<Record<keyof Action, readonly string[]>> = {
  add: Object.keys(add.shape),
  remove: Object.keys(remove.shape),
  metaData: Object.keys(metaData.shape),
  protocol: Object.keys(protocol.shape),
  sidecar: Object.keys(sidecar.shape),
};

/** Throws FatalError SOURCE_UNRECOGNISED naming the place. */
export function readAction(value: unknown, place: string): Action {
  const { data, error } = action.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw new FatalError('SOURCE_UNRECOGNISED', `${place} is no action of the Delta protocol: ${where}`);
}

/** Tells the deletion vectors that one data file had one after the other apart; '' without one. */
export function vectorId(vector: DeletionVector | null | undefined): string {
  if (!vector) return '';
  const { storageType, pathOrInlineDv, offset } = vector;
  return `${storageType}${pathOrInlineDv}${offset === undefined || offset === null ? '' : `@${offset}`}`;
}
