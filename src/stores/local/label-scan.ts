import type { Annotation } from '../../model/annotation.ts';
import type { Concept } from '../../model/labels.ts';
import { sqlText, type Table } from './lance.ts';
import { type ResultBatch, stringColumn } from './result.ts';

/** What labels an input. */
export interface InputLabels {
  concepts: Concept[];
  annotations: Annotation[];
}

/** Inputs have mostly the same few lists of concepts; so many of them are kept parsed. */
const KEPT = 1000;

/** The labels of every input that a run wrote last, in no order, in bounded memory. */
export async function* scanLabels(table: Table, runId: string): AsyncGenerator<InputLabels> {
  const parsed = new Map<string, Concept[]>();
  const conceptsOf = (json: string): Concept[] => {
    const known = parsed.get(json);
    if (known !== undefined) return known;
    const concepts = JSON.parse(json) as Concept[];
    if (parsed.size < KEPT) parsed.set(json, concepts);
    return concepts;
  };
  const hasAnnotations = (await table.schema()).fields.some(({ name }) => name === 'annotations');
  const columns = hasAnnotations ? ['concepts', 'annotations'] : ['concepts'];
  for await (const batch of table
    .query()
    .where(`runId = ${sqlText(runId)}`)
    .select(columns)) {
    const concepts = stringColumn(batch as ResultBatch, 'concepts') as string[];
    const annotations = hasAnnotations ? stringColumn(batch as ResultBatch, 'annotations') : [];
    for (let i = 0; i < concepts.length; i++) {
      const json = annotations[i] ?? '[]';
      yield {
        concepts: conceptsOf(concepts[i]!),
        annotations: json === '[]' ? [] : (JSON.parse(json) as Annotation[]),
      };
    }
  }
}
