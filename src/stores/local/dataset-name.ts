import { FatalError } from '../../model/errors.ts';

/** Throws FatalError CONFIG_INVALID for a name that commands could not take or show. */
export function checkName(what: string, name: string): void {
  if (name.length > 0 && name.length <= 200 && !/[@\p{Cc}]/u.test(name) && name.isWellFormed()) return;
  throw new FatalError(
    'CONFIG_INVALID',
    `${JSON.stringify(name)} cannot name a ${what}: a name has 1–200 characters, and no @ or control character`,
    { measured: name.length, limit: 200 },
  );
}
