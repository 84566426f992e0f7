import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/model/contracts.ts';
import type { RunEnvironment } from '../../../src/pipeline/environment.ts';
import { environment } from '../../../src/pipeline/environment.ts';
import type { RunReport } from '../../../src/pipeline/report.ts';
import { agendaOf, openScheduled } from '../../../src/pipeline/schedule/scheduled.ts';
import { runSchedule, type SlotEvent } from '../../../src/pipeline/schedule/scheduler.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const BEGIN = Date.parse('2026-11-21T10:10:00Z');
const HOURLY = 'schedule: { cron: "0 * * * *" }';

async function pipelineFile(schedule = HOURLY): Promise<{ file: string; store: string }> {
  const root = await tempFolder();
  await mkdir(join(root, 'texts'));
  await writeFile(join(root, 'texts', 'a.txt'), 'one text');
  const file = join(root, 'hourly.yaml');
  await writeFile(file, `name: hourly\nsource: texts\n${schedule}\n`);
  return { file, store: join(root, 'store') };
}

type Run = (start: (env: RunEnvironment) => Promise<RunReport>, n: number) => Promise<RunReport>;

/** Looks after a pipeline until so many slots had their turn, with a clock that every sleep moves. */
async function keep(
  { file, store }: { file: string; store: string },
  until: number,
  {
    now = BEGIN,
    run,
    once = false,
    races = false,
    seen,
    until: end,
  }: {
    now?: number;
    run?: Run;
    once?: boolean;
    races?: boolean;
    seen?: (events: readonly SlotEvent[]) => void;
    until?: { done: boolean };
  } = {},
): Promise<{ events: SlotEvent[]; exitCode: number }> {
  const events: SlotEvent[] = [];
  const stop = new AbortController();
  const fake = new FakeClock({ now, auto: true });
  let [n, running] = [0, 0];
  const clock: Clock = {
    now: () => fake.now(),
    // Time stands still while a pipeline runs, unless the test is about that.
    async sleep(ms, signal) {
      while (running > 0 && !races) await pause(5);
      signal?.throwIfAborted();
      await pause(1);
      await fake.sleep(ms, signal);
    },
  };
  const env = environment({ clock, stop: stop.signal });
  const exitCode = await runSchedule(
    {
      pipelines: [file],
      store,
      once,
      onSlot: (event) => {
        events.push(event);
        running += event.type === 'started' ? 1 : event.type === 'ended' ? -1 : 0;
        const done = events.filter(({ type }) => type !== 'started').length;
        seen?.(events);
        if (done >= until || end?.done) stop.abort();
      },
      // The pipelines themselves run on the system's clock.
      run: (start) => (run ?? ((begin) => begin(environment())))(start, n++),
    },
    env,
  );
  return { events, exitCode };
}

const told = (events: readonly SlotEvent[]): string[] =>
  events.map(({ type, record }) => `${record.slot.slice(11, 16)} ${record.reason ?? type}`);

describe('a schedule', () => {
  it('runs its pipeline at each slot', async () => {
    const at = await pipelineFile();
    const { events, exitCode } = await keep(at, 2);
    expect(told(events).slice(0, 4)).toEqual([
      '11:00 started',
      '11:00 ended',
      '12:00 started',
      '12:00 ended',
    ]);
    const reports = events.flatMap((event) => ('report' in event ? [event.report!] : []));
    expect(reports.map(({ totals }) => [totals.listed, totals.ok, totals.skipped])).toEqual([
      [1, 1, 0],
      [1, 0, 1],
    ]);
    expect(exitCode).toBe(0);
  });

  it('runs a slot once, however many look after it', async () => {
    const at = await pipelineFile();
    const both = await Promise.all([keep(at, 3), keep(at, 3), keep(at, 3)]);
    const started = both.flatMap(({ events }) => told(events)).filter((line) => line.endsWith('started'));
    expect(new Set(started).size).toBe(started.length);
    expect(started.length).toBeGreaterThan(0);
  });

  /** The first run goes on until another slot was left out. */
  function overlapping(): { run: Run; seen(events: readonly SlotEvent[]): void; races: true } {
    const blocked = Promise.withResolvers<void>();
    return {
      races: true,
      seen: (events) => {
        if (events.some(({ type }) => type === 'skipped')) blocked.resolve();
      },
      run: async (start, n) => {
        if (n === 0) await blocked.promise;
        return start(environment());
      },
    };
  }

  it('leaves out a slot that comes while the last one still runs', async () => {
    const at = await pipelineFile();
    const { events } = await keep(at, 2, overlapping());
    expect(told(events).slice(0, 2)).toEqual(['11:00 started', '12:00 overlap']);
    expect(told(events)).toContain('11:00 ended');
  });

  it('or lets one wait, where it queues', async () => {
    const at = await pipelineFile('schedule: { cron: "0 * * * *", overlap: queue }');
    // Until the one that waited has ended: 11:00 and 12:00 run, 13:00 finds one waiting.
    const given = overlapping();
    const stopAt = { done: false };
    const { events } = await keep(at, 1000, {
      ...given,
      seen: (all) => {
        given.seen(all);
        stopAt.done = told(all).includes('12:00 ended');
      },
      until: stopAt,
    });
    expect(told(events)).toContain('13:00 overlap');
    expect(told(events)).not.toContain('12:00 overlap');
    expect(told(events)).toContain('12:00 ended');
  });

  it('makes up for missed slots with one run, or leaves them out', async () => {
    for (const missed of ['run', 'skip']) {
      const at = await pipelineFile(`schedule: { cron: "0 * * * *", missed: ${missed} }`);
      await keep(at, 1);
      const { events } = await keep(at, 1, { now: BEGIN + 30 * 3600_000 });
      expect(told(events)[0]).toBe(missed === 'run' ? '16:00 started' : '16:00 missed');
      expect(events[0]!.record.missedBefore).toBe(28);
    }
  });

  it('does nothing before its first slot, and takes what is due, when asked once', async () => {
    const at = await pipelineFile();
    expect((await keep(at, 9, { once: true, now: BEGIN + 600_000 })).events).toEqual([]);
    const { events } = await keep(at, 9, { once: true, now: BEGIN + 51 * 60_000 });
    expect(told(events)).toEqual(['11:00 started', '11:00 ended']);
    expect((await keep(at, 9, { once: true, now: BEGIN + 52 * 60_000 })).events).toEqual([]);
  });

  it('keeps what went wrong with a slot, gives the worst exit code, and goes on', async () => {
    const at = await pipelineFile();
    await writeFile(at.file, 'name: hourly\nsource: texts/a.csv\nschedule: "0 * * * *"\n');
    await writeFile(join(at.file, '..', 'texts', 'a.csv'), '');
    const run: Run = (start, n) => {
      if (n === 0) throw new Error('out of luck');
      return start(environment());
    };
    const { events, exitCode } = await keep(at, 2, { run });
    expect(events.find(({ type }) => type === 'ended')?.record).toMatchObject({
      exitCode: 1,
      error: { message: 'out of luck' },
    });
    expect(exitCode).toBeGreaterThanOrEqual(1);
    expect(told(events)).toContain('12:00 started');
  });

  it('goes on when its records could not be reached for a while', async () => {
    const at = await pipelineFile();
    const seen = (events: readonly SlotEvent[]) => {
      if (told(events).at(-1) === '11:00 ended') rmSync(join(at.store, 'schedule'), { recursive: true });
    };
    const { events } = await keep(at, 2, { seen });
    expect(told(events)).toContain('12:00 ended');
  });

  it('tells what is to come and what the last slots came to', async () => {
    const at = await pipelineFile('schedule: { cron: "30 6 * * *", timeZone: Asia/Kolkata }');
    await keep(at, 1);
    const env = environment();
    const scheduled = await openScheduled(at.file, { store: at.store }, env);
    const agenda = await agendaOf(scheduled, 2, BEGIN);
    expect(agenda.next).toEqual(['2026-11-22T01:00:00.000Z', '2026-11-23T01:00:00.000Z']);
    expect(agenda.last).toMatchObject([{ slot: '2026-11-22T01:00:00.000Z', state: 'ended', exitCode: 0 }]);
  });

  it('is asked for, where a pipeline has none', async () => {
    const at = await pipelineFile('');
    await expect(keep(at, 1)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
