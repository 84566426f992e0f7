import { existsSync } from 'node:fs';
import { JsonlWriter, readJsonlBlocks } from '../io/jsonl.ts';
import { KeyTable } from '../io/key-table.ts';
import { isOutcome, type Listed } from '../model/contracts.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Accounts } from './accounts.ts';
import { annotationsIn } from './item-labels.ts';
import { isFailure } from './ledger.ts';
import type { RunFolder } from './run-folder.ts';
import type { SeenIds } from './seen.ts';

/**
 * Reads a ledger back into what a resumed run needs, in flat memory: the counts so far, the uris that have an
 * outcome, and the ids in use. Failures whose line a kill kept out of the failures file are written there again.
 */
export async function restoreFromLedger(
  folder: RunFolder,
  accounts: Accounts,
  seen: Pick<SeenIds, 'firstUse'>,
  matchBy: 'uri' | 'id',
): Promise<{ hasOutcome(listed: Listed): boolean }> {
  const done = new KeyTable({ values: false });
  const failures = await urisIn(folder.failures, 'failures');
  const repaired = new JsonlWriter(folder.failures, 'failures');
  try {
    for await (const block of readBlocks(folder.ledger, 'ledger')) {
      for (const line of block) {
        accounts.listed++;
        accounts.annotations.listed += annotationsIn(line);
        accounts.countOutcome(line);
        const repeats = line.stage === 'list' && line.code === 'INPUT_DUPLICATE';
        // The id of a repeat belongs to the item that came first, whose own line a kill may have kept out.
        done.set(repeats ? repeatKey(line.uri, line.inputId) : keyOf(line.uri, line.inputId));
        if (line.idGiven && line.inputId !== undefined && !repeats) seen.firstUse(line.inputId, line.uri);
        if (isFailure(line) && !failures.has(line.uri)) repaired.append(line);
      }
    }
    await repaired.flush({ sync: true });
  } finally {
    repaired.close();
  }
  return {
    hasOutcome: (listed) => {
      const id = isOutcome(listed) ? listed.inputId : listed.id;
      return done.has(keyOf(listed.uri, id)) || done.has(repeatKey(listed.uri, id));
    },
  };

  /** A source that was changed on purpose may list an item under another line number, but with the same id. */
  function keyOf(uri: string, id: string | undefined): string {
    return matchBy === 'id' && id !== undefined ? `\n${id}` : uri;
  }
}

const repeatKey = (uri: string, id: string | undefined): string => `\n${id}\n${uri}`;

async function urisIn(path: string, type: string): Promise<KeyTable> {
  const uris = new KeyTable({ values: false });
  for await (const block of readBlocks(path, type)) for (const line of block) uris.set(line.uri);
  return uris;
}

/** A run that was killed at once may not have written the file yet. */
async function* readBlocks(path: string, type: string): AsyncGenerator<Outcome[]> {
  if (existsSync(path)) yield* readJsonlBlocks<Outcome>(path, { type });
}
