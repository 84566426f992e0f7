import { execFileSync } from 'node:child_process';

/** Makes FIFOs; Node has no call for it. POSIX only. */
export function makeFifos(...paths: string[]): void {
  execFileSync('/usr/bin/mkfifo', paths);
}
