import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Versions that decide what a run does, for its manifest. */
export function versions(): Record<string, string> {
  const lancedb = require('@lancedb/lancedb/package.json') as { version: string };
  const { version } = require('../../package.json') as { version: string };
  return { sluice: version, node: process.versions.node, lancedb: lancedb.version };
}
