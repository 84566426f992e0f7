import { basename } from 'node:path';
import { FatalError } from '../../model/errors.ts';
import type { SlotRecord } from '../../stores/index.ts';
import { openSlots, type SlotBook } from '../../stores/index.ts';
import type { RunEnvironment } from '../environment.ts';
import type { ReadPipeline } from '../file/read.ts';
import { openPipeline } from '../file/run.ts';
import { type RunOverrides, storeOfPipeline } from '../file/to-request.ts';
import { Slots } from './cron.ts';
import { type ScheduleOptions, scheduleSchema } from './options.ts';

/** A pipeline file with its schedule, and the book of its slots. */
export interface ScheduledPipeline {
  path: string;
  name: string;
  pipeline: ReadPipeline;
  options: ScheduleOptions;
  slots: Slots;
  book: SlotBook;
}

/** Throws FatalError PIPELINE_INVALID, or CONFIG_INVALID for a pipeline without a schedule. */
export async function openScheduled(
  path: string,
  overrides: RunOverrides,
  env: RunEnvironment,
): Promise<ScheduledPipeline> {
  const pipeline = await openPipeline(path);
  const { schedule, name } = pipeline.file;
  if (schedule === undefined) {
    throw new FatalError(
      'CONFIG_INVALID',
      `${path} has no schedule; add one, such as  schedule: { cron: "0 3 * * *", timeZone: Europe/Berlin }`,
    );
  }
  const options = scheduleSchema.parse(typeof schedule === 'string' ? { cron: schedule } : schedule);
  // Its name, where it has one: copies of the file on several machines are one schedule.
  const book = await openSlots(
    storeOfPipeline(pipeline, overrides),
    name ?? pipeline.path ?? path,
    env.clock,
  );
  const slots = Slots.parse(options.cron, options.timeZone);
  return { path, name: name ?? basename(path), pipeline, options, slots, book };
}

/** What is to come, and what the last slots came to. */
export interface Agenda {
  pipeline: string;
  file: string;
  cron: string;
  timeZone: string;
  /** ISO 8601, UTC. */
  next: string[];
  /** The last of them last. */
  last: SlotRecord[];
}

export async function agendaOf(scheduled: ScheduledPipeline, count: number, now: number): Promise<Agenda> {
  const { name, path, options, slots, book } = scheduled;
  return {
    pipeline: name,
    file: path,
    cron: options.cron,
    timeZone: options.timeZone,
    next: slots.next(count, now).map((time) => new Date(time).toISOString()),
    last: await book.newest(count),
  };
}
