import { resolve } from 'node:path';
import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

const libs = [
  'core',
  'contracts',
  'pipeline',
  'scheduler',
  'tensor',
  'http2',
  'kernels',
  'model',
  'runtime',
  'data',
  'checkpoint',
  'nvidia-smi-parser',
  'sdk',
  'testing',
];

/** What takes long: whole products of settings, long outages. `npm run test:long` runs them. */
const LONG = '**/*.long.spec.ts';

/** `npx vitest run --project unit` for libs and apps, `--project e2e` for tests with real processes. */
export default defineConfig({
  plugins: [swc.vite({ module: { type: 'es6' }, jsc: { target: 'es2022' } })],
  resolve: {
    alias: Object.fromEntries(libs.map((lib) => [`@millrace/${lib}`, resolve(import.meta.dirname, `libs/${lib}/src`)])),
  },
  test: {
    maxWorkers: 2,
    setupFiles: [resolve(import.meta.dirname, 'tests/setup/equal-arrays.ts')],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'libs/**/*.spec.ts',
            'scripts/**/*.spec.mjs',
            'bench/src/**/*.spec.ts',
            'apps/**/*.spec.ts',
            'tests/setup/**/*.spec.ts',
            'tests/sim/**/*.spec.ts',
            'tests/golden/**/*.spec.ts',
          ],
          exclude: [LONG],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.spec.ts'],
          exclude: [LONG],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [`libs/${LONG}`, `apps/${LONG}`],
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long-e2e',
          include: [`tests/e2e/${LONG}`],
          testTimeout: 1_500_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
