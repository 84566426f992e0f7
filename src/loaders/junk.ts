interface JunkRule {
  /** As the outcome's message names it. */
  readonly name: string;
  readonly pattern: RegExp;
}

/** Whole path components, at any depth. Names that Windows makes are matched in any case, as Windows does. */
const RULES: readonly JunkRule[] = [
  rule('__MACOSX/', '__MACOSX', 'folder'),
  rule('.DS_Store', '\\.DS_Store'),
  rule('._*', '\\._[^/]*'),
  rule('.localized', '\\.localized'),
  rule('Icon\\r', 'Icon\\r'),
  rule('.Spotlight-V100/', '\\.Spotlight-V100', 'folder'),
  rule('.Trashes/', '\\.Trashes', 'folder'),
  rule('.fseventsd/', '\\.fseventsd', 'folder'),
  rule('Thumbs.db', '(?:eh)?thumbs\\.db', 'file', 'i'),
  rule('desktop.ini', 'desktop\\.ini', 'file', 'i'),
  rule('$RECYCLE.BIN/', '\\$RECYCLE\\.BIN', 'folder', 'i'),
  rule('System Volume Information/', 'System Volume Information', 'folder', 'i'),
  rule('@eaDir/', '@eaDir', 'folder'),
];

/** Whether any rule could match, so that a million ordinary names cost one test each. */
const MAYBE = /(?:^|\/)(?:__MACOSX\/|\.[DSTfl_]|Icon\r|(?:eh)?thumbs\.db|desktop\.ini|\$|System |@eaDir)/i;

/**
 * The name of the rule by which a file is one that operating systems leave behind; undefined for all others.
 *
 * `relativePath` is relative to the source or archive, with `/` between components.
 */
export function junkRule(relativePath: string): string | undefined {
  if (!MAYBE.test(relativePath)) return undefined;
  return RULES.find(({ pattern }) => pattern.test(relativePath))?.name;
}

function rule(name: string, component: string, what: 'file' | 'folder' = 'file', flags = ''): JunkRule {
  return { name, pattern: new RegExp(`(?:^|/)(?:${component})${what === 'folder' ? '/' : '$'}`, flags) };
}
