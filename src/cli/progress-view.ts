import { SingleBar } from 'cli-progress';
import type { ProgressSnapshot } from '../pipeline/progress.ts';
import { formatBytes, formatCount, formatDuration, type Terminal } from './terminal.ts';

const PLAIN_EVERY_MS = 10_000;

/** Shows a run as it goes: a bar on a terminal, a line every ten seconds when piped. */
export class ProgressView {
  readonly #terminal: Terminal;
  #bar: SingleBar | undefined;
  #shown = { fraction: 0, share: '', text: 'listing …' };
  #lastLine: number;

  constructor(terminal: Terminal, now: number) {
    this.#terminal = terminal;
    this.#lastLine = now;
    if (!terminal.stderr.isTTY) return;
    this.#bar = new SingleBar({
      stream: terminal.stderr,
      format: '{bar} {share} {text}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 16,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
    });
  }

  begin(): void {
    this.#draw();
  }

  show(snapshot: ProgressSnapshot, now: number): void {
    const text = describe(snapshot);
    if (this.#bar !== undefined) {
      const { fraction } = snapshot;
      const share = fraction === undefined ? '  – ' : `${Math.floor(fraction * 100)}%`.padStart(4);
      this.#shown = { fraction: fraction ?? 0, share, text };
      this.#bar.update(this.#shown.fraction, this.#shown);
    } else if (now - this.#lastLine >= PLAIN_EVERY_MS) {
      this.#lastLine = now;
      this.#terminal.stderr.write(`${text}\n`);
    }
  }

  /** Writes a line above the bar. */
  print(line: string): void {
    const isDrawn = this.#bar?.isActive === true;
    this.#bar?.stop();
    this.#terminal.stderr.write(`${line}\n`);
    if (isDrawn) this.#draw();
  }

  #draw(): void {
    this.#bar?.start(1, this.#shown.fraction, this.#shown);
  }

  /** Takes the bar away, so that other lines can be written; what is shown from now on are lines, too. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function describe(snapshot: ProgressSnapshot): string {
  const { totals } = snapshot;
  const parts = (['ok', 'rejected', 'failed', 'skipped'] as const)
    .filter((name) => name === 'ok' || totals[name] > 0)
    .map((name) => `${formatCount(totals[name])} ${name}`);
  if (totals.pending !== undefined) parts.push(`${formatCount(totals.pending)} waiting`);
  const rate = `${formatCount(Math.round(snapshot.itemsPerSecond))} items/s, ${formatBytes(snapshot.bytesPerSecond)}/s`;
  const eta = snapshot.etaMs === undefined ? '' : ` · ETA ${formatDuration(snapshot.etaMs)}`;
  return `${parts.join(' · ')} · ${rate}${eta}`;
}
