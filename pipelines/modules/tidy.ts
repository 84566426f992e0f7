/**
 * A transform: it is called with each item before the item is read, changes it in place, and drops what is not wanted.
 *
 * What it throws becomes that item's outcome; the run goes on.
 */
import type { Transform } from '../../src/index.ts';

const tidy: Transform = (item, ctx) => {
  if (item.uri.endsWith('.tmp')) return ctx.drop('a temporary file');
  // Labels in one spelling, whoever wrote them.
  for (const concept of item.concepts) concept.id = concept.id.toLowerCase().replaceAll(' ', '-');
};

export default tidy;
