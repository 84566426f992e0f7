import { execFile } from 'node:child_process';
import { asError, FatalError, RetryableError } from '../model/errors.ts';
import { invalidBytes } from './invalid.ts';

export interface RunToolOptions {
  /** Killed after this many milliseconds. */
  timeoutMs: number;
  /** Killed when it has written more than this to stdout or to stderr. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface ToolResult {
  /** Exit status. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface Program {
  path: string;
  from: 'system' | 'npm';
}

/** The packaged Linux programs are linked statically and crash when glibc loads this machine's character converters. */
const STATIC_ENVIRONMENT = { GCONV_PATH: '/nonexistent' };

/** What a program is started with, where it needs anything. */
export const environmentFor = ({ from }: Program): { env?: NodeJS.ProcessEnv } =>
  from === 'npm' && process.platform === 'linux' ? { env: STATIC_ENVIRONMENT } : {};

/**
 * Runs a program without a shell, within limits of time and output.
 *
 * Throws FatalError MEDIA_TOOL_MISSING when it cannot be started, RetryableError MEDIA_PROBE_FAILED when it was
 * killed or crashed, RejectedItemError ALL_INPUT_INVALID_BYTES when it would not stop writing, the signal's reason.
 */
export function runTool(
  program: Program,
  args: readonly string[],
  { timeoutMs, maxBytes, signal }: RunToolOptions,
): Promise<ToolResult> {
  const { path } = program;
  const options = {
    ...environmentFor(program),
    timeout: timeoutMs,
    maxBuffer: maxBytes,
    signal,
    killSignal: 'SIGKILL',
    windowsHide: true,
    encoding: 'utf8',
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr });
      if (signal.aborted) return reject(signal.reason);
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
      reject(runFailure(path, asError(error), options.timeout, maxBytes));
    });
    child.stdin?.end();
  });
}

function runFailure(
  path: string,
  error: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  timeoutMs: number,
  maxBytes: number,
): Error {
  const cause = error;
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return invalidBytes(`the probe's answer is longer than ${maxBytes} bytes`, { cause, limit: maxBytes });
  }
  if (error.killed === true) {
    const message = `the probe did not finish within ${timeoutMs} ms`;
    return new RetryableError('MEDIA_PROBE_FAILED', message, { cause, limit: timeoutMs });
  }
  if (typeof error.signal === 'string') {
    return new RetryableError('MEDIA_PROBE_FAILED', `the probe was ended by ${error.signal}`, { cause });
  }
  return new FatalError('MEDIA_TOOL_MISSING', `${path} cannot be run: ${error.message}`, { cause });
}
