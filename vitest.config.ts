import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A hang is what a timeout is for: slow machines under load take several times what a laptop does.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // Some tests use the engine without our own code around it.
    env: { ORT_DISABLE_TELEMETRY: '1' },
  },
});
