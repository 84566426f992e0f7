import { shortHash } from '../model/ids.ts';

/** A run id that sorts by time: `20261121T104512345-7x3kq0` (UTC, milliseconds, then 30 random bits). */
export function newRunId(now: number, random: string): string {
  const time = new Date(now).toISOString().replace(/[-:.Z]/g, '');
  return `${time}-${shortHash(random).slice(0, 6)}`;
}

const PATTERN = /^\d{8}T\d{9}-[0-9a-z]{6}$/;
export const isRunId = (name: string): boolean => PATTERN.test(name);
