import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Device } from '../../model/embedding.ts';

export interface Layout {
  /** Each on a thread of its own. */
  sessions: number;
  /** Of one session. */
  threads: number;
}

/** Of the memory of the machine, for weights: each session has them once more, and once again while it loads. */
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
 * How the cores are divided. On the CPU a session for each core computes most, as long as the weights fit so many
 * times; a graphics card takes one call at a time.
 */
export function layoutOf(device: Device, graph: string, cores: number): Layout {
  if (device !== 'cpu') return { sessions: 1, threads: cores };
  const affordable = Math.max(1, Math.floor((totalmem() * WEIGHTS_SHARE) / (2 * weightsOf(graph))));
  const sessions = Math.min(cores, affordable);
  return { sessions, threads: Math.floor(cores / sessions) };
}

/** Bytes of a graph; of weights in files of their own only the graph is counted. */
function weightsOf(graph: string): number {
  return Math.max(1, statSync(graph, { throwIfNoEntry: false })?.size ?? 0);
}
