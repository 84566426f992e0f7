import { CODES, type CodeInfo } from '../../src/model/codes.ts';
import { code, page, table } from './markdown.ts';

const CLASSES: readonly { name: CodeInfo['class']; title: string; meaning: string }[] = [
  { name: 'ok', title: 'ok', meaning: 'The item is in the store.' },
  { name: 'skipped', title: 'skipped', meaning: 'The item was left alone on purpose.' },
  {
    name: 'rejected',
    title: 'rejected',
    meaning: 'The item is not acceptable as it is; trying again cannot help until it is corrected.',
  },
  { name: 'failed', title: 'failed', meaning: 'The attempt failed; another one may succeed.' },
  { name: 'warning', title: 'warnings', meaning: 'Noted beside an outcome, which it does not change.' },
  {
    name: 'fatal',
    title: 'the end of a run',
    meaning: 'The run stopped, or ended without being able to account for everything.',
  },
];

/** docs/errors.md: every code with its number, meaning and remedy. */
export function errorsPage(): string {
  const sections = CLASSES.map(({ name, title, meaning }) => {
    const rows = Object.entries(CODES)
      .filter(([, info]) => info.class === name)
      .map(([id, info]) => [code(id), String(info.number), info.meaning, info.remedy]);
    return `## ${title}\n\n${meaning}\n\n${table(['code', 'number', 'meaning', 'what to do'], rows)}`;
  });
  return page(
    '# Codes',
    'Every outcome in a ledger, and every error that ends a run, carries one of these codes. Numbers below 900 000 are ' +
      "the platform's own status codes; those from 900 000 on are ours. A code keeps its name, number and meaning.",
    ...sections,
  );
}
