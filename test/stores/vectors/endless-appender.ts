// Run as a process of its own: appends vectors to a store's index, says which inputs were answered, until it is killed.
import { appendNow, frame, model, opened, whole } from './support.ts';

const [store, runId] = process.argv.slice(2) as [string, string];
const writer = await opened(store, [model('aaaa')], runId);
process.stdout.write('open\n');
for (let n = 0; ; n++) {
  const inputs = Array.from({ length: 5 }, (_, i) => ({ id: `i${n * 5 + i}`, content: `c${i}` }));
  const missing = inputs.filter(({ id, content }) => !writer.has('aaaa', id, content));
  const rows = missing.flatMap(({ id, content }) => [
    whole(id, content),
    frame(id, content, 0),
    frame(id, content, 1),
  ]);
  const failing = writer.fail('aaaa', [
    { inputId: `f${n}`, content: 'c', code: 'EMBED_FAILED', message: 'why' },
  ]);
  await Promise.all([appendNow(writer, 'aaaa', rows), failing]);
  process.stdout.write(missing.map(({ id, content }) => `${id} ${content}\n`).join(''));
}
