/**
 * What `begin` makes of each value, in order, while up to `width` more are under way. Nothing is under way any more when
 * it ends, however it ends.
 */
export async function* ahead<Value, Made>(
  values: AsyncIterable<Value>,
  width: number,
  begin: (value: Value) => Promise<Made>,
): AsyncGenerator<Made, void, void> {
  const running: Promise<Made>[] = [];
  try {
    for await (const value of values) {
      const made = begin(value);
      // It is waited for in its turn.
      made.catch(() => {});
      running.push(made);
      if (running.length > width) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
  } finally {
    await Promise.allSettled(running);
  }
}
