import { fingerprintOf, nodeFingerprint, type Tower } from '../../embed/index.ts';
import type { Modality, ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { Kind } from '../../model/kind.ts';
import type { Generation, IndexedModel } from '../../model/workflow.ts';
import { MODALITY_OF } from '../indexing/open-models.ts';

export type FindTowers = (ref: ModelRef) => Promise<Tower[]>;

/** The models that a search may use, in the workflow's order. Throws FatalError INDEX_EMPTY or CONFIG_INVALID. */
export function candidates(
  { models, workflow }: Generation,
  { model, kinds }: { model?: string | undefined; kinds?: readonly Kind[] | undefined },
): IndexedModel[] {
  const ofKinds = models.filter(({ kind }) => kinds === undefined || kinds.includes(kind));
  if (model === undefined || ofKinds.length === 0) return ofKinds;
  const named = ofKinds.filter(({ node }) => node.name === model || node.model === model);
  if (named.length > 0) return named;
  const names = [...new Set(ofKinds.map(({ node }) => node.name))].join(', ');
  throw new FatalError(
    'CONFIG_INVALID',
    `the workflow ${workflow} has no model ${model}; it has ${names}${kinds === undefined ? '' : ` for inputs of kind ${kinds.join(', ')}`}`,
  );
}

/**
 * The first model that takes the query and whose vectors it can be compared with. One that takes the query as it takes
 * its inputs (a text for texts) comes before one that has another side for it (a text for images).
 *
 * Throws FatalError MODEL_CHANGED where its files are not those that the index was made with, SPACE_MISMATCH where none
 * can be compared.
 */
export async function chooseModel(
  models: readonly IndexedModel[],
  modality: Modality,
  { regions }: Pick<Generation, 'regions'>,
  find: FindTowers,
): Promise<{ model: IndexedModel; tower: Tower }> {
  const isOwn = ({ kind }: IndexedModel): boolean => MODALITY_OF[kind] === modality;
  const others: string[] = [];
  for (const model of [...models.filter(isOwn), ...models.filter((each) => !isOwn(each))]) {
    const towers = await find(model.node);
    const tower = towers.find((each) => each.modality === modality);
    if (tower === undefined) {
      others.push(`${model.node.name} (${model.kind}) takes no ${modality}`);
      continue;
    }
    const { space } = await fingerprintOf(tower);
    if (space === model.space) {
      await refuseChanged(model, towers, regions);
      return { model, tower };
    }
    // Either the files changed, which this tells, or its sides stand alone.
    await refuseChanged(model, towers, regions);
    others.push(
      `${model.node.name} (${model.kind}) has the space ${model.space}, its ${modality} side ${space}`,
    );
  }
  throw new FatalError(
    'SPACE_MISMATCH',
    `no model of the index can be compared with a query by ${modality}: ${others.join('; ')}`,
  );
}

async function refuseChanged(
  { kind, node, fingerprint }: IndexedModel,
  towers: readonly Tower[],
  regions: boolean,
): Promise<void> {
  const tower = towers.find(({ modality }) => modality === MODALITY_OF[kind]);
  const now = tower && nodeFingerprint((await fingerprintOf(tower)).fingerprint, { kind, node, regions });
  if (now === fingerprint) return;
  throw new FatalError(
    'MODEL_CHANGED',
    `the index was made by ${node.model} with fingerprint ${fingerprint} (${kind}); its files now give ${now ?? 'none'}`,
  );
}
