import { PROFILE_NAMES, type Profile, resolveProfile } from '../../src/validation/index.ts';
import { code, page, table } from './markdown.ts';

/** docs/limits.md: what each profile takes. */
export function limitsPage(): string {
  return page(
    '# Profiles and limits',
    `A profile says which formats a target takes and how large an input may be; ${code('--profile')} chooses it and ` +
      `${code('--limit NAME=VALUE')} replaces a single limit. MB is 1 000 000 bytes, MP 1 000 000 pixels. What a file is, ` +
      'is decided by its content, never by its name.',
    ...PROFILE_NAMES.map((name) => section(resolveProfile(name))),
  );
}

function section(profile: Profile): string {
  const formats = Object.entries(profile.formats).map(([kind, names]) => [kind, names.join(', ')]);
  const limits = Object.entries(profile.limits).map(([name, { value, unit, exclusive, source }]) => [
    code(name),
    `${exclusive ? 'under' : 'at most'} ${value} ${unit}`,
    source,
  ]);
  return [
    `## ${profile.name}`,
    `Formats (${profile.formatsSource}):`,
    table(['kind', 'formats'], formats),
    `Ids ${profile.idColon ? 'may' : 'may not'} hold a colon. Limits:`,
    table(['limit', 'value', 'source'], limits),
  ].join('\n\n');
}
