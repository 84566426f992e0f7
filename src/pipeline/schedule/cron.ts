import { Cron } from 'croner';
import { asError, FatalError } from '../../model/errors.ts';

/** When a pipeline runs: minutes of a time zone, as five cron fields name them. */
export class Slots {
  readonly #cron: Cron;

  private constructor(cron: Cron) {
    this.#cron = cron;
  }

  /**
   * `cron`: minute, hour, day of month, month, day of week, or `@hourly`, `@daily` and the like. A time that a clock
   * change leaves out comes when the clocks have changed; one that comes twice is one slot. Throws FatalError CONFIG_INVALID.
   */
  static parse(cron: string, timeZone: string | undefined): Slots {
    try {
      const zone = timeZone === undefined ? {} : { timezone: timeZone };
      const parsed = new Slots(new Cron(cron, { paused: true, mode: '5-part', ...zone }));
      if (parsed.after(0) === undefined) throw new Error('no day is ever such a day');
      return parsed;
    } catch (cause) {
      const zone = timeZone === undefined ? '' : ` in ${timeZone}`;
      throw new FatalError(
        'CONFIG_INVALID',
        `"${cron}"${zone} is no schedule: ${asError(cause).message} (five fields, as in "0 3 * * *", and a zone such as Europe/Berlin)`,
        { cause },
      );
    }
  }

  /** The first slot after a time; milliseconds since the epoch, as all times here. */
  after(time: number): number | undefined {
    return this.#cron.nextRun(new Date(time))?.getTime();
  }

  /** The last slot at or before a time. */
  upTo(time: number): number | undefined {
    return this.#cron.previousRuns(1, new Date(time + 1))[0]?.getTime();
  }

  next(count: number, time: number): number[] {
    return this.#cron.nextRuns(count, new Date(time)).map((date) => date.getTime());
  }
}
