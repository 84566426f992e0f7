import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Device } from '../../model/embedding.ts';

export interface Layout {
  /** Each on a thread of its own. */
  sessions: number;
  /** Of one session. */
  threads: number;
}

/** Of the memory, for weights: each session has them once more, and once again while it loads. */
const WEIGHTS_SHARE = 1 / 8;

/**
 * Why a device is not even tried; undefined where it is.
 *
 * WebGPU takes a driver that computes on the CPU as well, tens of times slower than the CPU's own kernels. So on Linux it
 * needs the device file of a graphics card, unless the user put it first.
 */
export function unfit(device: Device, place: number): string | undefined {
  if (device !== 'webgpu' || place === 0 || process.platform !== 'linux' || hasGraphicsCard())
    return undefined;
  return 'no graphics card was found (/dev/dri/renderD*, /dev/nvidia0, /dev/dxg); name webgpu first to use a software driver';
}

function hasGraphicsCard(): boolean {
  if (existsSync('/dev/nvidia0') || existsSync('/dev/dxg')) return true;
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
}

/** Cores that this process may use, as its control group says. */
export const coresOf = (asked: number | undefined): number =>
  Math.max(1, Math.trunc(asked ?? availableParallelism()));

/**
 * How the cores are divided. On the CPU a session for each core computes most (for each second of a core: MobileNetV3
 * 161 images against 77 of one session on all cores, USE-lite 417 texts against 366, MiniLM 59 against 53), as long as the
 * weights fit so many times; a graphics card takes one call at a time.
 */
export function layoutOf(device: Device, graph: string, cores: number): Layout {
  if (device !== 'cpu') return { sessions: 1, threads: cores };
  const affordable = Math.max(1, Math.floor((memory() * WEIGHTS_SHARE) / (2 * weightsOf(graph))));
  const sessions = Math.min(cores, affordable);
  return { sessions, threads: Math.floor(cores / sessions) };
}

/** Bytes of a graph and of the files of weights beside it. */
function weightsOf(graph: string): number {
  const folder = dirname(graph);
  const beside = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  const files = beside.filter((entry) => entry.isFile() && !entry.name.endsWith('.onnx'));
  const paths = [graph, ...files.map(({ name }) => join(folder, name))];
  return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 1);
}

/** Bytes that this process may use, as its control group says; the machine's where that has no limit. */
const memory = (): number => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
