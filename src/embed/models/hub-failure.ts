import { redactUrl } from '../../io/redact.ts';
import type { Context } from '../../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../../model/errors.ts';
import type { Hub } from './hub-id.ts';

/** What an error of `openUrl` means for a model, and what to do; the disk's failures and an abort stay what they are. */
export function hubFailure(thrown: unknown, of: { hub: Hub; what: string }, ctx: Context): unknown {
  if (ctx.signal.aborted || thrown instanceof FatalError || !(thrown instanceof SluiceError)) return thrown;
  const { message, code } = thrown;
  const { what } = of;
  const endpoint = redactUrl(of.hub.endpoint);
  const said = { cause: asError(thrown) };
  if (code === 'INPUT_PERMISSION_DENIED') {
    // The hub answers so for what does not exist, too, lest it tell which private models there are.
    const remedy = 'fetch it with the hub’s own client and give its folder';
    return new FatalError(
      'MODEL_NOT_FOUND',
      `${endpoint} has no public model ${what}: it does not exist, is private, or its terms must be accepted first; ${remedy} (${message})`,
      said,
    );
  }
  if (code === 'INPUT_NOT_FOUND')
    return new FatalError('MODEL_NOT_FOUND', `${endpoint} has no ${what} (${message})`, said);
  if (code === 'INPUT_OVER_LIMIT')
    return new FatalError('MODEL_INVALID', `${what} is larger than the hub announced (${message})`, said);
  return new FatalError(
    'MODEL_NOT_FOUND',
    `${what} could not be fetched from the hub at ${endpoint} (${message}); a local folder with its files needs no network`,
    said,
  );
}
