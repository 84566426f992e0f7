import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { asError, FatalError } from '../model/errors.ts';
import { environmentFor, type Program } from './run-tool.ts';

/** The end of what a program says is kept; it says why last. */
const MESSAGE_CHARACTERS = 4_000;

export interface StreamToolOptions {
  /** The program is killed when it writes nothing for so long while it is waited for, in milliseconds. */
  stallMs: number;
  signal: AbortSignal;
}

/** How a program ended that was not stopped by us. */
export interface StreamEnd {
  /** Exit status; null when it was killed or crashed. */
  code: number | null;
  /** The end of what it wrote to stderr. */
  stderr: string;
  /** Whether it was killed because it wrote nothing for too long. */
  stalled: boolean;
}

/**
 * Runs a program without a shell and gives what it writes to stdout, as it comes: a program whose output is not taken
 * waits. It is killed when the generator is left early.
 *
 * Throws FatalError MEDIA_TOOL_MISSING when it cannot be started, the signal's reason.
 */
export async function* streamTool(
  program: Program,
  args: readonly string[],
  { stallMs, signal }: StreamToolOptions,
): AsyncGenerator<Buffer, StreamEnd> {
  signal.throwIfAborted();
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(program.path, args, {
    ...environmentFor(program),
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const closed = once(child, 'close') as Promise<[code: number | null]>;
  // Whoever waits for them sees it.
  failed.catch(() => {});
  closed.catch(() => {});
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MESSAGE_CHARACTERS);
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let stalled = false;
  const chunks = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const next = async () => {
    const timer = setTimeout(() => {
      stalled = true;
      kill();
    }, stallMs);
    try {
      return await Promise.race([chunks.next(), failed]);
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) {
      yield chunk.value;
      signal.throwIfAborted();
    }
    const [code] = await closed;
    signal.throwIfAborted();
    return { code, stderr, stalled };
  } catch (thrown) {
    signal.throwIfAborted();
    if (child.pid !== undefined) throw thrown;
    const cause = asError(thrown);
    throw new FatalError('MEDIA_TOOL_MISSING', `${program.path} cannot be run: ${cause.message}`, { cause });
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    child.stdout.destroy();
  }
}
