/** Something that a store should not hold, or lacks. */
export type StoreFinding =
  | { finding: 'BLOB_MISSING'; id: string; sha256: string; path: string }
  | { finding: 'BLOB_SIZE'; id: string; sha256: string; path: string; measured: number; expected: number }
  /** Only with `deep`. */
  | { finding: 'BLOB_CONTENT'; path: string; measured: string; expected: string }
  /** Neither a row nor a version names it; `store gc` removes it. */
  | { finding: 'BLOB_ORPHAN'; path: string; bytes: number }
  /** The file that the store refers to is gone or has another size. */
  | { finding: 'REFERENCE_BROKEN'; id: string; path: string }
  /** The row's run is not in runs/. */
  | { finding: 'RUN_MISSING'; id: string; runId: string }
  | { finding: 'ID_DOUBLED'; id: string }
  /** A part of a version is gone; other versions may share it. */
  | { finding: 'CHUNK_MISSING'; dataset: string; version: string; path: string }
  /** A part of a version is not what was written. */
  | {
      finding: 'CHUNK_CONTENT';
      dataset: string;
      version: string;
      path: string;
      measured: string;
      expected: string;
    }
  /** No version names it; `store gc` removes it. */
  | { finding: 'CHUNK_ORPHAN'; path: string; bytes: number }
  | { finding: 'VERSION_UNREADABLE'; path: string; reason: string }
  /** A vector of an input that is gone, or was embedded when it had other content; `store gc` removes it. */
  | { finding: 'VECTOR_STALE'; fingerprint: string; id: string; part: string }
  | { finding: 'VECTOR_DOUBLED'; fingerprint: string; id: string; part: string }
  /** Vectors of a model that no generation of the index names; `store gc` removes them. */
  | { finding: 'VECTORS_UNUSED'; fingerprint: string };

export interface StoreSummary {
  rows: number;
  blobs: number;
  /** Of the blobs. */
  bytes: number;
  versions: number;
  /** Of the models that the index names. */
  vectors: number;
  findings: number;
}
