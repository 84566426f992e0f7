import { parseAnnotation } from '../formats/annotation-json.ts';
import type { FetchUrl } from '../io/fetch.ts';
import type { Line } from '../io/lines.ts';
import { percentDecoded } from '../io/redact.ts';
import type { Code } from '../model/codes.ts';
import type { Listed, SourceItem } from '../model/contracts.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { type InputFields, LineError, parseInputLine } from './jsonl-line.ts';
import type { Refusal, ResolvedFile } from './manifest-input.ts';
import { RowIds, shortened } from './row-identity.ts';
import { isHttpUrl, urlContent } from './urls.ts';

export interface JsonlSource {
  /** Of the file; lines are `<uri>#L<line>`. */
  uri: string;
  idPrefix: string;
  /** Finds a file relative to the JSON Lines file. */
  resolveFile(path: string): Promise<ResolvedFile | Refusal>;
  fetchUrl: FetchUrl;
}

/** Makes an item or an outcome of each line of a JSON Lines file. Lines are handed in in order, each once. */
export class JsonlLister {
  readonly #source: JsonlSource;
  readonly #ids: RowIds;
  #begun = false;

  constructor(source: JsonlSource) {
    this.#source = source;
    this.#ids = new RowIds(source.idPrefix);
  }

  /** undefined for a blank line and the header. Throws FatalError SOURCE_UNRECOGNISED when these are no inputs. */
  list(line: Line): Listed | Promise<Listed> | undefined {
    try {
      const fields = parseInputLine(line, this.#source.uri, !this.#begun);
      this.#begun ||= fields !== 'blank';
      return typeof fields === 'string' ? undefined : this.#input(line, fields);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#begun = true;
      const { message, column, id, details } = error;
      return this.#outcome(line, 'INPUT_INVALID_ARGUMENT', message, { column, id, details });
    }
  }

  #input(line: Line, fields: InputFields): Listed | Promise<Listed> {
    const { text, file, url, uri } = fields;
    if (file !== undefined) {
      const id = this.#ids.idOf(fields.id ?? '', file, 'file');
      return this.#file(line, { ...this.#item(line, fields, id) }, file);
    }
    // The uri of an exported text says where the text once came from; the text itself is here.
    const isText = text !== undefined && (fields.kind ?? 'text') === 'text';
    const address = url ?? (isText || uri === undefined || !/^https?:/i.test(uri) ? undefined : uri);
    if (address !== undefined) {
      const id = this.#ids.idOf(fields.id ?? '', address, 'url');
      if (!isHttpUrl(address)) {
        const message = `expected an http or https URL (${JSON.stringify(shortened(address))})`;
        return this.#outcome(line, 'INPUT_INVALID_URL', message, { id: id.id });
      }
      return { ...this.#item(line, fields, id), ...urlContent(address, this.#source.fetchUrl) };
    }
    if (isText) {
      const id = this.#ids.idOf(fields.id ?? '', text, 'raw');
      return { ...this.#item(line, fields, id), kind: 'text' };
    }
    const id = this.#ids.idOf(fields.id ?? '', uri!, 'file');
    return this.#file(line, this.#item(line, fields, id), uri!, originalPath(uri!));
  }

  #item(line: Line, fields: InputFields, id: Pick<SourceItem, 'id' | 'idGiven'>): SourceItem {
    const uri = `${this.#source.uri}#L${line.number}`;
    const { kind, text, concepts, metadata, geo, split, annotations } = fields;
    return {
      ...id,
      uri,
      ...(kind === undefined ? {} : { kind }),
      ...(text === undefined ? {} : { text }),
      ...(concepts === undefined ? {} : { concepts }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(geo === undefined ? {} : { geo }),
      ...(split === undefined ? {} : { split }),
      ...(annotations === undefined
        ? {}
        : { annotations: annotations.map((each, i) => parseAnnotation(each, `${uri}/annotations/${i}`)) }),
    };
  }

  async #file(line: Line, item: SourceItem, ...paths: string[]): Promise<Listed> {
    let refusal: Refusal | undefined;
    for (const path of paths) {
      const found = await this.#source.resolveFile(path);
      if (!('code' in found)) return { ...item, ...found };
      refusal = found;
      if (found.code !== 'INPUT_NOT_FOUND') break;
    }
    const { code, message, measured, limit } = refusal!;
    return this.#outcome(line, code, `${message} (${JSON.stringify(shortened(paths[0]!))})`, {
      id: item.id,
      details: { ...(measured === undefined ? {} : { measured }), ...(limit === undefined ? {} : { limit }) },
    });
  }

  #outcome(
    line: Line,
    code: Code,
    message: string,
    {
      column,
      id,
      details,
    }: { column?: number | undefined; id?: string | undefined; details?: object | undefined },
  ): Outcome {
    const { uri } = this.#source;
    const place = column === undefined ? `${line.number}` : `${line.number}:${column}`;
    return outcomeOf(`${uri}#L${line.number}`, 'list', code, {
      ...(id === undefined ? {} : { inputId: id }),
      message: `${uri}:${place}: ${message}`,
      ...details,
      record: { line: line.number },
    });
  }
}

/** The path that a uri stands for: one that starts with `./` was escaped to be unique (io/raw-path.ts). */
const originalPath = (uri: string): string => (uri.startsWith('./') ? percentDecoded(uri) : uri);
