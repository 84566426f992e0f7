import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { asError, FatalError } from '../../model/errors.ts';
import { openParquet } from '../parquet/file.ts';
import { pruned, readRows } from '../parquet/rows.ts';
import {
  ACTION_FIELDS,
  type Action,
  type AddFile,
  type Protocol,
  readAction,
  type TableMetadata,
  vectorId,
} from './actions.ts';
import { type Checkpoint, commitName, LOG_FOLDER, listLog, planReplay } from './log-files.ts';

/** A table as it was at one version. */
export interface Snapshot {
  version: number;
  protocol: Protocol;
  metadata: TableMetadata;
  /** By their paths, ascending, as they stand in the log. */
  files: AddFile[];
}

/**
 * Replays the log of the table in the folder `table`, up to a version or its last one.
 *
 * Throws FatalError SOURCE_NOT_FOUND, SOURCE_UNRECOGNISED, SOURCE_INCOMPLETE or CONFIG_INVALID.
 */
export async function readSnapshot(
  table: string,
  wanted: number | undefined,
  signal: AbortSignal,
): Promise<Snapshot> {
  const log = await listLog(table);
  const version = wanted ?? log.latest;
  const { checkpoint, commits } = planReplay(log, version, table);
  const state = new State();
  if (checkpoint !== undefined) await readCheckpoint(table, checkpoint, state, signal);
  for (const commit of commits) {
    signal.throwIfAborted();
    const actions: Action[] = [];
    const name = `${LOG_FOLDER}/${commitName(commit)}`;
    for await (const action of commitActions(join(table, name), name)) actions.push(action);
    state.apply(actions);
  }
  const { protocol, metadata } = state;
  if (protocol === undefined || metadata === undefined)
    throw new FatalError(
      'SOURCE_UNRECOGNISED',
      `${table}: its log up to version ${version} has no ${protocol === undefined ? 'protocol' : 'metaData'}`,
    );
  const files = [...state.files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { version, protocol, metadata, files };
}

/** What is true after the actions that were applied. */
class State {
  protocol: Protocol | undefined;
  metadata: TableMetadata | undefined;
  readonly files = new Map<string, AddFile>();

  /** The actions of one commit are one change, whatever their order. */
  apply(actions: readonly Action[]): void {
    for (const { remove } of actions) if (remove) this.files.delete(keyOf(remove));
    for (const { add, protocol, metaData } of actions) {
      if (add) this.files.set(keyOf(add), add);
      if (protocol) this.protocol = protocol;
      if (metaData) this.metadata = metaData;
    }
  }
}

const keyOf = ({ path, deletionVector }: Pick<AddFile, 'path' | 'deletionVector'>): string =>
  `${path}\0${vectorId(deletionVector)}`;

/** The actions of a file of JSON Lines. */
async function* commitActions(path: string, name: string): AsyncGenerator<Action> {
  let line = 0;
  try {
    for await (const text of linesOf(path)) {
      line++;
      if (text.trim() !== '') yield readAction(JSON.parse(text), `${name}:${line}`);
    }
  } catch (error) {
    if (error instanceof FatalError) throw error;
    throw new FatalError('SOURCE_UNRECOGNISED', `${name}:${line} cannot be read: ${asError(error).message}`, {
      cause: error,
    });
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  yield rest;
}

async function readCheckpoint(
  table: string,
  checkpoint: Checkpoint,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  const sidecars: string[] = [];
  for (const file of checkpoint.files) {
    const name = `${LOG_FOLDER}/${file}`;
    const path = join(table, LOG_FOLDER, file);
    const actions = file.endsWith('.json') ? commitActions(path, name) : rowActions(path, name, signal);
    for await (const action of actions) {
      if (action.sidecar) sidecars.push(action.sidecar.path);
      state.apply([action]);
    }
  }
  for (const file of sidecars) {
    // They lie in one folder, and are named by their plain name.
    const plain = decodeURIComponent(file).split('/').at(-1)!;
    const name = `${LOG_FOLDER}/_sidecars/${plain}`;
    for await (const action of rowActions(join(table, LOG_FOLDER, '_sidecars', plain), name, signal))
      state.apply([action]);
  }
}

/** The actions of a checkpoint in Parquet, whose columns are kinds of actions. */
async function* rowActions(path: string, name: string, signal: AbortSignal): AsyncGenerator<Action> {
  try {
    const file = await openParquet(path, name);
    try {
      const kinds = Object.entries(ACTION_FIELDS);
      const columns = file.schema.children.flatMap((node) => {
        const fields = kinds.find(([kind]) => kind === node.element.name)?.[1];
        return fields === undefined ? [] : [pruned(node, fields)];
      });
      for await (const block of readRows(file, columns, signal)) {
        for (let i = 0; i < block.count; i++) {
          const cells = columns.map((node, c) => [node.element.name, block.columns[c]![i]]);
          yield readAction(Object.fromEntries(cells), `${name}#R${block.start + i + 1}`);
        }
      }
    } finally {
      await file.source.release();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FatalError) throw error;
    const message = `${name} cannot be read: ${asError(error).message}`;
    throw new FatalError('SOURCE_INCOMPLETE', message, { cause: error });
  }
}
