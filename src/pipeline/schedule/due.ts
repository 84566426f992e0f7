import type { Slots } from './cron.ts';

/** A slot that begins later than this was missed: nobody was there for it. */
const LATE_MS = 60_000;
/** Missed slots are counted so far; nobody needs to know more exactly. */
const MAX_COUNTED = 5000;

export interface DueSlot {
  slot: number;
  /** Whether it should have begun before anybody was there. */
  late: boolean;
  /** Slots before it that nobody was there for; they are not made up for. */
  missedBefore: number;
}

/** The newest slot that should have begun by now, after `last`, the last one that had its turn. */
export function dueSlot(slots: Slots, last: number, now: number): DueSlot | undefined {
  const slot = slots.upTo(now);
  if (slot === undefined || slot <= last) return undefined;
  let missedBefore = 0;
  for (let at = slots.after(last); at !== undefined && at < slot; at = slots.after(at)) {
    if (++missedBefore === MAX_COUNTED) break;
  }
  return { slot, late: now - slot > LATE_MS, missedBefore };
}
