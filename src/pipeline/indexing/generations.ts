import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { Generation, IndexState } from '../../model/workflow.ts';
import { changeIndexState } from '../../stores/index.ts';

/** Of searches: the generation that they use now, and those that they used before. */
export const isServed = ({ base, serving }: IndexState): boolean => base.id === serving.id;

/** One name may stand for other models by now. */
export const inWords = ({ workflow, id }: Generation): string => `${workflow} (generation ${id})`;

/** The state with another base, which searches do not use yet. */
export const withBase = (state: IndexState, base: Generation): IndexState =>
  // What searches use already is not made anew.
  ({ ...state, base: base.id === state.serving.id ? state.serving : base });

/** The state with searches on its base; what they used before stays, `keep` of them. */
export function withCutOver(state: IndexState, keep: number, now: number): IndexState {
  if (isServed(state)) return state;
  const base: Generation = { ...state.base, cutOverAt: new Date(now).toISOString() };
  const earlier = [state.serving, ...state.previous].filter(({ id }) => id !== base.id);
  return { ...state, base, serving: base, previous: earlier.slice(0, keep) };
}

/** The state as it was before the last cut-over; once more comes back. Throws FatalError WORKFLOW_NOT_FOUND. */
export function withRevert(state: IndexState): IndexState {
  const [before, ...earlier] = state.previous;
  // A base that was never served is given up for what is.
  if (!isServed(state)) return { ...state, base: state.serving };
  if (before === undefined)
    throw new FatalError('WORKFLOW_NOT_FOUND', 'there is no earlier workflow to go back to');
  return { ...state, base: before, serving: before, previous: [state.serving, ...earlier] };
}

/** Searches use `generation` from now on. Throws FatalError WORKFLOW_CHANGED when it is the base no more. */
export function cutOver(
  store: string,
  generation: Generation,
  keep: number,
  ctx: Context,
): Promise<IndexState> {
  return changeIndexState(
    store,
    (state) => {
      if (state.base.id === generation.id) return withCutOver(state, keep, ctx.clock.now());
      throw new FatalError(
        'WORKFLOW_CHANGED',
        `the base workflow was ${inWords(generation)} when the re-index began, and is ${inWords(state.base)} now; the vectors made so far stay`,
      );
    },
    ctx,
  );
}
