import type { DeviceReport } from '../model/embedding.ts';
import { printable } from './terminal.ts';

const MAX_REASON = 80;

/** The device that is used, and why none of those before it; `--json` has the whole reasons. */
export const deviceInWords = ({ got, tried }: Pick<DeviceReport, 'got' | 'tried'>): string =>
  [got, ...tried.map(({ device, error }) => `${device}: ${printable(inShort(error))}`)].join('; not ');

/** Without the function of the engine that failed, and without what follows the reason. */
function inShort(error: string): string {
  const [reason = ''] = error.replace(/^\w+: /, '').split(/ \(|; /);
  return reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON)}…` : reason;
}
