import { access, constants } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { asError, FatalError } from '../model/errors.ts';
import { makeExecutable } from './executable.ts';
import { type Program, runTool } from './run-tool.ts';

/** A program that was found and answers. */
export interface Tool extends Program {
  /** As the program itself says. */
  version: string;
}

export interface MediaTools {
  ffprobe: Tool;
  ffmpeg: Tool;
}

export interface ToolSearch {
  /** The value of the PATH variable. */
  path?: string;
  /** Where a packaged program is copied that may not be run where it lies. */
  cacheDir?: string;
}

/** Answering `-version` takes milliseconds; a cold disk may need seconds. */
const VERSION_LIMITS = { timeoutMs: 20_000, maxBytes: 1_000_000 };

/**
 * Finds ffprobe and ffmpeg: the system's, else those of the optional npm packages.
 * Throws FatalError MEDIA_TOOL_MISSING, saying what was tried.
 */
export async function findTools(search: ToolSearch): Promise<MediaTools> {
  const [ffprobe, ffmpeg] = await Promise.all([findTool('ffprobe', search), findTool('ffmpeg', search)]);
  return { ffprobe, ffmpeg };
}

async function findTool(name: 'ffprobe' | 'ffmpeg', search: ToolSearch): Promise<Tool> {
  const binary = process.platform === 'win32' ? `${name}.exe` : name;
  const tried: string[] = [];
  const attempt = async (program: Program): Promise<Tool | undefined> => {
    try {
      return { ...program, version: await versionOf(program) };
    } catch (error) {
      tried.push(asError(error).message);
      return undefined;
    }
  };
  for (const path of await onPath(binary, search.path ?? '')) {
    const tool = await attempt({ path, from: 'system' });
    if (tool !== undefined) return tool;
  }
  const path = await packaged(name, binary, search.cacheDir ?? defaultCache()).catch((error: unknown) => {
    throw missing(name, [...tried, asError(error).message], error);
  });
  const tool = await attempt({ path, from: 'npm' });
  if (tool !== undefined) return tool;
  throw missing(name, tried);
}

const missing = (name: string, tried: readonly string[], cause?: unknown): FatalError =>
  new FatalError('MEDIA_TOOL_MISSING', `no usable ${name} on the PATH nor from npm: ${tried.join('; ')}`, {
    cause,
  });

async function onPath(binary: string, path: string): Promise<string[]> {
  const found: string[] = [];
  // A relative entry would run whatever lies in the current folder.
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(folder, binary);
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) found.push(candidate);
  }
  return found;
}

async function versionOf(program: Program): Promise<string> {
  const signal = new AbortController().signal;
  const { code, stdout } = await runTool(program, ['-version'], { ...VERSION_LIMITS, signal });
  const version = /^ff\w+ version (\S+)/.exec(stdout)?.[1];
  if (code !== 0 || version === undefined)
    throw new Error(`${program.path} -version gives no version (exit ${code})`);
  return version;
}

const require = createRequire(import.meta.url);

/** The program inside the package for this platform, which lies beside or below the installer package. */
async function packaged(name: 'ffprobe' | 'ffmpeg', binary: string, cacheDir: string): Promise<string> {
  const installer =
    name === 'ffprobe'
      ? require.resolve('@ffprobe-installer/ffprobe')
      : require.resolve('@ffmpeg-installer/ffmpeg');
  const platform = `@${name}-installer/${process.platform}-${process.arch}`;
  return makeExecutable(createRequire(installer).resolve(`${platform}/${binary}`), cacheDir);
}

const defaultCache = (): string => join(tmpdir(), `sluice-tools-${userInfo().uid}`);
