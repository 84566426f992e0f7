#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { capYoungGeneration } from './young-generation.ts';

// libuv reads it when its pool is first used, so it is set before anything is loaded that could use it.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() * 2));
capYoungGeneration();

const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
