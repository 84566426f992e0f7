import { findTowers, type Tower } from '../../embed/index.ts';
import type { Context } from '../../model/contracts.ts';
import { DEVICES, type Device, type ModelRef } from '../../model/embedding.ts';
import { contextOf, type RunEnvironment } from '../environment.ts';

export interface ModelRequest {
  ref: ModelRef;
  /** In the order in which they are tried; all unless given. */
  devices?: readonly Device[];
}

export const devicesOf = ({ devices = [] }: ModelRequest): readonly Device[] =>
  devices.length === 0 ? DEVICES : devices;

/** What is handed to a model. */
export const modelContext = (env: RunEnvironment): Context => ({
  ...contextOf(env),
  searchPath: env.searchPath,
});

/** Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID or MODEL_UNSUPPORTED. */
export const towersOf = (ref: ModelRef, env: RunEnvironment): Promise<Tower[]> =>
  findTowers(ref, env, modelContext(env));
