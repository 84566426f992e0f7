import { Command, InvalidArgumentError, Option } from 'commander';
import { METRICS } from '../model/search.ts';
import { writeSearchPage } from '../pipeline/search/page/write.ts';
import type { SearchQuery, SearchRequest } from '../pipeline/search/request.ts';
import type { SearchHit, SearchResult } from '../pipeline/search/result.ts';
import { search } from '../pipeline/search/search.ts';
import { openFile } from './open-file.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { searchFilterOf, withSearchFilter } from './search-flags.ts';
import { type Cli, formatCount, formatDuration, printable, table } from './terminal.ts';

const SHOWN_TEXT = 60;
const DEFAULT_TOP = 10;

export function searchCommand(cli: Cli): Command {
  const { stdout, stderr } = cli.terminal;
  const command = withStore(new Command('search'))
    .summary('find the inputs nearest to a text, an image, a sound or another input')
    .description('Find what is nearest to a query by its vectors. sluice workflow set says what is indexed.')
    .option('--text <text>', 'look for what is like this text')
    .option('--image <file>', 'look for what is like this image')
    .option('--audio <file>', 'look for what is like this sound')
    .option('--id <id>', 'look for what is like this input of the store')
    .option('--top <k>', 'so many hits', wholeNumber, DEFAULT_TOP)
    .option('--model <name>', 'a model of the workflow, instead of the first that takes the query')
    .option('--min-score <s>', 'leave out hits with a lower score', finite)
    .addOption(
      new Option('--metric <metric>', 'how near is measured; the score is the cosine, or 1 / (1 + distance)')
        .choices(METRICS)
        .default('cosine'),
    )
    .option('--objects', 'hits are the boxes of images, where the workflow has regions')
    .option('--open [file]', 'write an HTML page of the hits and open it in the browser');
  withSearchFilter(command).addHelpText(
    'after',
    `
Examples:
  $ sluice search --text "a cat on a sofa"
  $ sluice search --image cat.jpg --top 5 --concept cat,dog --not-concept drawing --open
  $ sluice search --id chelsea-0123456789abcdef --metadata camera.iso=100 --min-score 0.8 --json`,
  );
  return command.action(async (flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, command);
    const env = {
      logger: ctx.logger,
      clock: ctx.clock,
      abort: ctx.signal,
      ...(cli.terminal.env['PATH'] === undefined ? {} : { searchPath: cli.terminal.env['PATH'] }),
    };
    const request = requestOf(flags, storeOf(cli, flags['store'] as string | undefined));
    const result = await search(request, env);
    const file = typeof flags['open'] === 'string' ? flags['open'] : undefined;
    // Before anything is printed: a file that cannot be written makes the document of --json another one.
    const page =
      flags['open'] === undefined
        ? undefined
        : await writeSearchPage(result, { store: request.store, query: request.query, file }, env);
    sayIndexed(result);
    if (flags['json']) stdout.write(`${JSON.stringify(result)}\n`);
    else stdout.write(forPeople(result));
    if (page === undefined) return;
    stderr.write(`${printable(page)}\n`);
    openFile(page);
  });

  function sayIndexed({ indexed: { n, of } }: SearchResult): void {
    if (n >= of) return;
    stderr.write(
      `${formatCount(n)} of ${formatCount(of)} inputs are indexed; sluice reindex embeds the others\n`,
    );
  }
}

function requestOf(flags: Record<string, unknown>, store: string): SearchRequest {
  const { text, image, audio, id } = flags as Record<string, string | undefined>;
  const filter = searchFilterOf(flags);
  const { model, minScore, kind, objects, metric, top } = flags as {
    model?: string;
    minScore?: number;
    kind?: SearchRequest['kinds'];
    objects?: true;
  } & Required<Pick<SearchRequest, 'metric' | 'top'>>;
  return {
    store,
    query: { text, image, audio, id } as unknown as SearchQuery,
    top,
    metric,
    ...(model === undefined ? {} : { model }),
    ...(minScore === undefined ? {} : { minScore }),
    ...(kind === undefined ? {} : { kinds: kind }),
    ...(objects === undefined ? {} : { objects }),
    ...(filter === undefined ? {} : { filter }),
  };
}

function wholeNumber(given: string): number {
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return count;
}

function finite(given: string): number {
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
  return value;
}

function forPeople({ hits, models, workflow }: SearchResult): string {
  const [first] = models;
  const by = `workflow ${workflow}, model ${first?.name}${first?.name === first?.model ? '' : ` (${first?.model})`}`;
  if (hits.length === 0) return `no hits (${printable(by)})\n`;
  const rows = hits.map((hit) => [
    String(hit.rank),
    hit.score.toFixed(4),
    printable(hit.id),
    printable(`${hit.kind}${whereOf(hit)}`),
    printable(textOf(hit)),
  ]);
  return `${table([['#', 'SCORE', 'ID', 'KIND', 'WHAT'], ...rows])}\n${printable(by)}\n`;
}

function whereOf({ timeMs, annotation }: SearchHit): string {
  if (timeMs !== undefined) return ` at ${formatDuration(timeMs)}`;
  return annotation === undefined ? '' : `, region ${annotation.id}`;
}

function textOf({ text, uri, annotation, concepts }: SearchHit): string {
  const labels = (annotation?.concepts ?? concepts).filter(({ value }) => value > 0).map(({ id }) => id);
  const what = text?.replaceAll(/\s+/g, ' ') ?? uri;
  const shown = what.length > SHOWN_TEXT ? `${[...what].slice(0, SHOWN_TEXT).join('')}…` : what;
  return labels.length === 0 ? shown : `${shown}  [${labels.join(' ')}]`;
}
