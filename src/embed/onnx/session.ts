import type { Device } from '../../model/embedding.ts';
import type { Feeds } from './preparation.ts';

/** An input or output of a graph; a free dimension has a name. */
export interface GraphValue {
  name: string;
  type: string;
  dims: (number | string)[];
}

export interface SessionSpec {
  /** Path of the ONNX file. */
  graph: string;
  device: Device;
  /** That one call is spread over, of what is computed by the CPU. */
  threads: number;
}

/** A graph that is loaded on a device. Calls wait for each other. */
export interface Session {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /**
   * The arrays of `feeds` are handed over. `outputs`: those that are wanted; all unless given. Throws the engine's
   * error, or SessionLostError.
   */
  run(feeds: Feeds, outputs?: readonly string[]): Promise<Feeds>;
  /** Lets calls end that are under way, and gives the memory back. */
  close(): Promise<void>;
}

/** Throws the engine's error. */
export type OpenSession = (spec: SessionSpec) => Promise<Session>;

/** The session is gone, and what it was computing with it. */
export class SessionLostError extends Error {}

/** What the thread of a session is started with. */
export type WorkerStart = SessionSpec & { flags: Int32Array };

/** To the thread of a session. */
export type WorkerRequest = { id: number; feeds: Feeds; outputs?: readonly string[] } | 'close';

/** From it: first `ready` or `refused`, then one answer for each request with an id. */
export type WorkerAnswer =
  | { ready: Pick<Session, 'inputs' | 'outputs'> }
  | { refused: string }
  | { id: number; outputs: Feeds }
  | { id: number; error: string };
