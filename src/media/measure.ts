import type { FfmpegCommand } from 'fluent-ffmpeg';
import { asError, FatalError, RetryableError } from '../model/errors.ts';
import { type AvOptions, confined } from './ffprobe.ts';
import { invalidBytes } from './invalid.ts';

/**
 * Duration in milliseconds, by reading every packet of a file without decoding it (a copy to the null muxer).
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES when nothing can be played, RetryableError MEDIA_PROBE_FAILED
 * after `timeoutMs`, the signal's reason.
 */
export async function measureDuration(file: string, demuxer: string, options: AvOptions): Promise<number> {
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  const command = ffmpeg()
    .setFfmpegPath(options.tools.ffmpeg.path)
    .input(`file:${file}`)
    .inputOptions(['-v', 'error', '-stats', ...confined(demuxer)])
    .outputOptions(['-c', 'copy', '-sn', '-dn'])
    .format('null')
    .output('-');
  const seconds = await lastTime(command, options);
  if (seconds === undefined) throw invalidBytes('the file holds no packets that can be played');
  return Math.round(seconds * 1000);
}

/** Runs the command and gives the last time that ffmpeg reports, in seconds. */
function lastTime(command: FfmpegCommand, { timeoutMs, signal }: AvOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let seconds: number | undefined;
    let stopped: unknown;
    let started = false;
    const stop = (reason: unknown) => {
      stopped ??= reason;
      if (started) command.kill('SIGKILL');
    };
    const abort = () => stop(signal.reason);
    const timer = setTimeout(() => {
      const message = `measuring the duration did not finish within ${timeoutMs} ms`;
      stop(new RetryableError('MEDIA_PROBE_FAILED', message, { limit: timeoutMs }));
    }, timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort, { once: true });
    command
      .on('start', () => {
        started = true;
        if (stopped !== undefined) command.kill('SIGKILL');
      })
      // Its `progress` event would run ffprobe on the file without our limits.
      .on('stderr', (line: string) => {
        seconds = timeOf(line) ?? seconds;
      })
      .on('end', () => {
        settle();
        if (stopped === undefined) resolve(seconds);
        else reject(stopped);
      })
      .on('error', (error: unknown) => {
        settle();
        reject(stopped ?? failure(asError(error)));
      })
      .run();
  });
}

function failure(cause: Error): Error {
  if (/ffmpeg exited with code/.test(cause.message)) {
    return invalidBytes('the file cannot be played to its end', { cause });
  }
  if (/killed with signal/.test(cause.message)) {
    return new RetryableError('MEDIA_PROBE_FAILED', `measuring the duration failed: ${cause.message}`, {
      cause,
    });
  }
  return new FatalError('MEDIA_TOOL_MISSING', `ffmpeg cannot be run: ${cause.message}`, { cause });
}

/** `time=00:01:02.50` in a line of statistics; `time=N/A` and negative times give nothing. */
function timeOf(line: string): number | undefined {
  const match = /time=(\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(line);
  return match === null ? undefined : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
}
