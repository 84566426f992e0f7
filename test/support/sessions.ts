import type { Feeds } from '../../src/embed/onnx/preparation.ts';
import type { OpenSession, Session, SessionSpec } from '../../src/embed/onnx/session.ts';

/** The ids of a call, for which a fake session answers. */
export type Answer = (ids: number[], spec: SessionSpec) => Promise<number[]> | number[];

/** Sessions that take `ids` as `idPreparation` makes them and answer `y` float32 [N, 1]. Calls wait for each other. */
export function fakeSessions(answer: Answer): {
  open: OpenSession;
  opened: SessionSpec[];
  closed: SessionSpec[];
} {
  const opened: SessionSpec[] = [];
  const closed: SessionSpec[] = [];
  const open: OpenSession = async (spec) => {
    opened.push(spec);
    let last: Promise<unknown> = Promise.resolve();
    const run: Session['run'] = (feeds) => {
      const result = last.then(() => call(feeds));
      last = result.catch(() => undefined);
      return result;
    };
    const call = async (feeds: Feeds): Promise<Feeds> => {
      const ids = [...(feeds['ids']!.data as BigInt64Array)].map(Number);
      const values = await answer(ids, spec);
      return { y: { type: 'float32', dims: [ids.length, 1], data: Float32Array.from(values) } };
    };
    return {
      inputs: [],
      outputs: [],
      run,
      async close() {
        closed.push(spec);
        await last;
      },
    };
  };
  return { open, opened, closed };
}
