import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tower } from '../../../src/embed/index.ts';
import { fingerprintOf, nodeFingerprint } from '../../../src/embed/index.ts';
import type { EmbedItem, Modality, Role } from '../../../src/model/embedding.ts';
import type { SluiceError } from '../../../src/model/errors.ts';
import type { Kind } from '../../../src/model/kind.ts';
import type { IndexedModel, WorkflowNode } from '../../../src/model/workflow.ts';
import { MODALITY_OF } from '../../../src/pipeline/indexing/open-models.ts';
import type { SearchRequest } from '../../../src/pipeline/search/request.ts';
import { searchWith } from '../../../src/pipeline/search/search.ts';
import { testContext } from '../../support/context.ts';

export interface FakeSide {
  modality: Modality;
  /** Names the file that decides the vectors; its content is `weights`. */
  file: string;
  spaceFiles?: string[];
  vectorOf(item: EmbedItem, role: Role): number[] | SluiceError;
}

/** Models whose vectors a test chooses, each with a file that can change. */
export class FakeModels {
  readonly #folder: string;
  readonly #models = new Map<string, FakeSide[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(name: string, ...sides: FakeSide[]): Promise<void> {
    this.#models.set(name, sides);
    for (const { file } of sides) await this.write(file, `weights of ${file}`);
  }

  write(file: string, weights: string): Promise<void> {
    return writeFile(join(this.#folder, file), weights);
  }

  readonly find = async ({ model }: { model: string }): Promise<Tower[]> =>
    (this.#models.get(model) ?? []).map((side) => this.#tower(model, side));

  /** As a workflow has it once it was opened. */
  async indexed(
    kind: Kind,
    name: string,
    { regions = false, ...node }: Partial<WorkflowNode> & { regions?: boolean } = {},
  ): Promise<IndexedModel> {
    const of: WorkflowNode = { name, model: name, ...node };
    const tower = (await this.find(of)).find(({ modality }) => modality === MODALITY_OF[kind])!;
    const { fingerprint, space } = await fingerprintOf(tower);
    return {
      kind,
      node: of,
      fingerprint: nodeFingerprint(fingerprint, { kind, node: of, regions }),
      space,
      dimensions: 4,
      normalised: true,
      dtype: 'fp32',
    };
  }

  search(request: SearchRequest) {
    return searchWith(request, { cacheDir: this.#folder, find: this.find }, testContext());
  }

  #tower(model: string, { modality, file, spaceFiles = [file], vectorOf }: FakeSide): Tower {
    return {
      modality,
      model,
      dtype: 'fp32',
      dimensions: 4,
      normalised: true,
      files: [join(this.#folder, file)],
      spaceFiles: spaceFiles.map((each) => join(this.#folder, each)),
      preprocessing: {},
      open: async () => ({
        device: { asked: ['cpu'], tried: [], got: 'cpu', sessions: 1, threads: 1, deviceBatch: 1 },
        embed: async (items, role) =>
          items.map((item) => {
            const vector = vectorOf(item, role);
            return Array.isArray(vector) ? Float32Array.from(vector) : vector;
          }),
        close: async () => {},
      }),
    };
  }
}
