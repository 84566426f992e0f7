import { z } from 'zod';

/** When a pipeline runs by itself; `schedule:` of a pipeline file. */
export const scheduleSchema = z.strictObject({
  cron: z
    .string()
    .min(1)
    .describe('Minute, hour, day of month, month and day of week, as cron has them: 0 3 * * *; or @daily'),
  timeZone: z
    .string()
    .min(1)
    .default('UTC')
    .describe(
      'Of these times, such as Europe/Berlin; a slot that a clock change leaves out comes right after it',
    ),
  overlap: z
    .enum(['skip', 'queue'])
    .default('skip')
    .describe(
      'A slot that comes while the last one still runs: left out, or run right after it (one waits at most)',
    ),
  missed: z
    .enum(['run', 'skip'])
    .default('run')
    .describe('Slots that nobody was there for: the newest is run once, late, or none'),
});
export type ScheduleOptions = z.infer<typeof scheduleSchema>;
