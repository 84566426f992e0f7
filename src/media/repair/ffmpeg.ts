import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import { RejectedItemError, RetryableError } from '../../model/errors.ts';
import { confined } from '../ffprobe.ts';
import { formatInfo } from '../formats.ts';
import { runTool } from '../run-tool.ts';
import type { MediaTools } from '../tools.ts';

/** Encoding may take longer than the recording itself on a slow machine. */
const TIMEOUT_MS = 60 * 60_000;
const MESSAGE_BYTES = 4_000_000;
/** Last lines that stand below the one that says why. */
const SAYS_NOTHING = /^(?:Conversion failed!|Exiting normally.*|\s*|video:.*)$/;
/** Each encoder uses all cores and up to some hundred megabytes, so few run at once. */
const processes = new PQueue({ concurrency: Math.max(2, Math.floor(availableParallelism() / 4)) });

export interface FfmpegOptions {
  tools: MediaTools;
  signal: AbortSignal;
}

/**
 * Runs ffmpeg on one file, which it reads with the one demuxer of its format; gives what it wrote to stderr. It stops at
 * the first thing that it cannot decode, for what it makes must not silently be less than the file.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES when it gives up on the file, RetryableError REPAIR_FAILED when it
 * was killed or took too long, FatalError MEDIA_TOOL_MISSING, the signal's reason.
 */
export async function ffmpeg(
  source: string,
  format: string,
  output: readonly string[],
  { tools, signal }: FfmpegOptions,
): Promise<string> {
  const demuxer = formatInfo(format)?.demuxer ?? format;
  const args = ['-hide_banner', '-nostats', '-v', 'info', '-nostdin', '-y', '-xerror', ...confined(demuxer)];
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MESSAGE_BYTES, signal };
  const command = [...args, '-i', `file:${source}`, ...output];
  const converting = processes.add(() => runTool(tools.ffmpeg, command, limits));
  const { code, stderr } = await converting.catch((error: unknown) => {
    if (!(error instanceof RetryableError)) throw error;
    throw new RetryableError('REPAIR_FAILED', `converting ${format.toUpperCase()} failed: ${error.message}`, {
      cause: error,
    });
  });
  if (code === 0) return stderr;
  const lines = stderr.trim().split('\n');
  const reason = lines.findLast((line) => !SAYS_NOTHING.test(line)) ?? `exit ${code}`;
  throw new RejectedItemError(
    'ALL_INPUT_INVALID_BYTES',
    `${format.toUpperCase()} cannot be converted: ${reason}`,
  );
}
