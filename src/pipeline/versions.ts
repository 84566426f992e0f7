import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** Versions that decide what a run does, for its manifest. */
export const versions = (): { sluice: string; node: string } => ({
  sluice: version,
  node: process.versions.node,
});
