import { z } from 'zod';
import { DTYPES, type ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';

/** Of a model as pipeline files name it. */
export const modelRefSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe(
      '`default`, a folder in the Hugging Face layout, or a hub id such as org/name or org/name@revision',
    ),
  dtype: z
    .enum(DTYPES)
    .optional()
    .describe('Of the weights: which of the ONNX files is taken; fp32 by default'),
  pooling: z
    .enum(['mean', 'cls', 'last', 'none'])
    .optional()
    .describe('How the vectors of tokens become one, where the folder does not say it'),
  maxTokens: z
    .int()
    .min(1)
    .optional()
    .describe('Texts are cut after so many tokens, special ones included; the model’s own limit by default'),
  documentPrompt: z.string().optional().describe('Put before each text that is kept'),
  queryPrompt: z.string().optional().describe('Put before each text that is searched for'),
});

/** Of a node of a workflow: a model and, of a video, how its frames are taken. */
export const workflowNodeSchema = modelRefSchema.extend({
  name: z.string().min(1).describe('Unique among the models of a kind; a search names it'),
  sampleMs: z
    .int()
    .min(100)
    .max(60_000)
    .optional()
    .describe('Of a video: a frame is embedded every so many milliseconds'),
  maxFrames: z
    .int()
    .min(1)
    .optional()
    .describe('Of a video: sampleMs is raised until there are no more frames than these'),
});

const VARIATIONS = Object.keys(modelRefSchema.shape).filter((key) => key !== 'model');

/**
 * A model as the command line names it: `model?dtype=int8&pooling=cls&maxTokens=256&documentPrompt=…`. In a value, `%26`
 * is an ampersand and `%25` a per cent sign. Throws FatalError CONFIG_INVALID.
 */
export function parseModelRef(text: string): ModelRef {
  const at = text.indexOf('?');
  const given: Record<string, unknown> = { model: at < 0 ? text : text.slice(0, at) };
  for (const pair of at < 0 ? [] : text.slice(at + 1).split('&')) {
    const [name = '', ...rest] = pair.split('=');
    if (!VARIATIONS.includes(name) || rest.length === 0)
      throw wrong(text, `"${pair}" is none of ${VARIATIONS.map((known) => `${known}=…`).join(', ')}`);
    if (name in given) throw wrong(text, `${name} is given twice`);
    const value = decoded(rest.join('='));
    given[name] = name === 'maxTokens' && /^\d+$/.test(value) ? Number(value) : value;
  }
  const parsed = modelRefSchema.safeParse(given);
  if (parsed.success) return parsed.data as ModelRef;
  const issue = parsed.error.issues[0]!;
  throw wrong(text, `${issue.path.join('.')}: ${issue.message}`);
}

/** What `parseModelRef` makes the same model of. */
export function describeRef(ref: ModelRef): string {
  const pairs = VARIATIONS.flatMap((name) => {
    const value = ref[name as keyof ModelRef];
    return value === undefined ? [] : [`${name}=${String(value).replace(/[%&]/g, encodeURIComponent)}`];
  });
  return pairs.length === 0 ? ref.model : `${ref.model}?${pairs.join('&')}`;
}

const wrong = (text: string, why: string): FatalError =>
  new FatalError('CONFIG_INVALID', `the model "${text}" cannot be read: ${why}`);

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
