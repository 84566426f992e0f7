import type { Device } from '../../model/embedding.ts';

/** What searches used before stays so often. */
export const KEPT_GENERATIONS = 2;

export interface ReindexRequest {
  /** Folder of the store. */
  store: string;
  /** Wait for another run that writes to the index, instead of STORE_LOCKED. */
  wait?: boolean;
  /** Only these inputs. */
  ids?: readonly string[];
  /** Says what there is to do and about how long it takes, without writing anything. */
  dryRun?: boolean;
  /** Generations that searches used before and that stay, so that `workflow revert` is instant; 2 unless given. */
  keepGenerations?: number;
  /** Tried in this order; `cuda`, `webgpu`, `cpu` unless given. */
  devices?: readonly Device[];
  /** Failed inputs (a count or `N%`) up to which the exit code stays 0. */
  maxRejected?: string;
  /** The pipeline file that this request was read from. */
  pipeline?: { file: string; sha256: string };
}
