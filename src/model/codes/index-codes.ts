import { type CodeInfo, failed, fatal, ok, rejected, skipped } from './code-info.ts';

/** Of embedding, the index and searches. */
export const INDEX_CODES = {
  INPUT_REINDEX_SUCCESS: ok(30500, 'The input was embedded under the base workflow.'),
  INPUT_REINDEX_PENDING: failed(
    30501,
    'The input is not embedded under the base workflow yet.',
    'Run: sluice reindex',
  ),
  INPUT_REINDEX_FAILED: failed(
    30502,
    'The input could not be embedded.',
    'Correct what the message says, then run: sluice reindex',
  ),
  INPUT_REINDEX_IN_PROGRESS: failed(
    30503,
    'The input is being embedded.',
    'Wait for the re-index; sluice workflow show tells how far it is.',
  ),
  INPUT_INDEXED: skipped(900100, 'The input has all vectors of the base workflow already.', 'Nothing to do.'),
  INPUT_KIND_NOT_INDEXED: skipped(
    900101,
    'The base workflow has no model for inputs of this kind.',
    'Nothing to do; sluice workflow set names a model for each kind.',
  ),
  EMBED_UNREADABLE: rejected(
    900102,
    'The model’s preprocessing cannot make its input of this item: it cannot be decoded, or is empty.',
    'Replace the file; the input stays in the store without a vector.',
  ),
  EMBED_FAILED: failed(900103, 'The engine failed on this item.', 'Run: sluice reindex'),
  EMBED_OUT_OF_MEMORY: failed(
    900104,
    'The device has too little memory for this item, even alone.',
    'Choose another device or a smaller model, then run: sluice reindex',
  ),
  VECTOR_INVALID: rejected(
    900105,
    'The model answered a vector that cannot be used: not finite, zero, or of another length.',
    'Check the model: sluice models check',
  ),
  ENGINE_LOST: fatal(
    900106,
    'The engine stopped, and no device is left to go on with.',
    'See the message; then run: sluice reindex',
  ),
  DEVICE_UNAVAILABLE: fatal(
    900107,
    'None of the devices that were asked for can be used.',
    'See the message, or allow the CPU: --device cpu',
  ),
  MODEL_NOT_FOUND: fatal(
    900108,
    'There is no such model, or a file of it is missing.',
    'Check the path; sluice models list shows the built-in ones.',
  ),
  MODEL_INVALID: fatal(
    900109,
    'A file of the model is damaged, or the files do not fit each other.',
    'Fetch the model again; sluice models check names what is wrong.',
  ),
  MODEL_UNSUPPORTED: fatal(
    900110,
    'Sluice has no recipe for a model of this kind.',
    'docs/models.md lists the kinds that it has.',
  ),
  MODEL_CHANGED: fatal(
    900111,
    'The files of a model are not those that the index was made with.',
    'Put them back, or take the new ones: sluice workflow set … and sluice reindex',
  ),
  WORKFLOW_NOT_FOUND: fatal(900112, 'There is no workflow of that name.', 'Run: sluice workflow list'),
  WORKFLOW_CHANGED: fatal(
    900113,
    'The base workflow was changed while the re-index ran.',
    'Run: sluice reindex',
  ),
  INDEX_EMPTY: fatal(
    900114,
    'Nothing in this store is indexed by a model that the query could be compared with.',
    'Run: sluice workflow set general --text default --image default --audio default, then sluice reindex',
  ),
  INPUT_NOT_INDEXED: fatal(43004, 'The input to search by has no vector.', 'Run: sluice reindex'),
  SPACE_MISMATCH: fatal(
    900115,
    'The query’s vector and those of the index are of different models, so comparing them means nothing.',
    'Search with a model of the index: sluice workflow show',
  ),
  QUERY_UNREADABLE: fatal(
    900117,
    'What is searched for cannot be embedded: it cannot be decoded, or is empty.',
    'Search for another text, or with another file.',
  ),
} as const satisfies Record<string, CodeInfo>;
