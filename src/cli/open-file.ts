import { spawn } from 'node:child_process';
import { platform } from 'node:process';

/** What opens a file as a double click does. */
const OPENERS: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens a file in the program that the user has for it; where there is none, nothing happens. */
export function openFile(path: string): void {
  const [command, ...args] = OPENERS[platform] ?? ['xdg-open'];
  const opener = spawn(command, [...args, path], { stdio: 'ignore', detached: true });
  opener.on('error', () => {});
  opener.unref();
}
