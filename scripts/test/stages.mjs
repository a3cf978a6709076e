import { runCommand } from '../process/run-command.mjs';
import { ROOT } from '../process/stamp.mjs';
import { staleFiles } from '../gen.mjs';
import { runVitest } from './run-vitest.mjs';

const CHECK_TIMEOUT_MS = 10 * 60_000;
/** Bounds, not aims: the machine that runs them may be half as fast as usual. */
const UNIT_TIMEOUT_MS = 18 * 60_000;
const E2E_TIMEOUT_MS = 30 * 60_000;
const LONG_UNIT_TIMEOUT_MS = 40 * 60_000;
const LONG_E2E_TIMEOUT_MS = 50 * 60_000;
const FUZZ_TIMEOUT_MS = 10 * 60_000;
/** The same seed draws the same requests: what CI finds can be found again. */
const FUZZ = { minutes: 1.5, seed: 1 };
const LONG_FUZZ = { minutes: 4, seed: 2 };

/**
 * What `npm test` runs after set-up, in this order. `run(env)` resolves to `{ passed, failed, skipped }`; a check counts
 * as one.
 */
export const STAGES = [
  check('typecheck', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit']),
  { name: 'generated', run: checkGenerated },
  { name: 'unit', run: (env) => runVitest('unit', env, UNIT_TIMEOUT_MS) },
  { name: 'fuzz', run: (env) => fuzz(env, FUZZ) },
  beside('fuzz', 'boundaries', [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    ...['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'apps', 'libs'],
  ]),
  beside('fuzz', 'protocol', ['node_modules/@bufbuild/buf/bin/buf', 'lint']),
  beside('fuzz', 'tidy', ['scripts/tidy.mjs']),
  beside('fuzz', 'deadcode', ['node_modules/knip/bin/knip.js', '--no-progress']),
  { name: 'e2e', run: (env) => runVitest('e2e', env, E2E_TIMEOUT_MS) },
  beside('e2e', 'typecheck-web', ['node_modules/typescript/bin/tsc', '-p', 'apps/web/tsconfig.json', '--noEmit']),
  beside('e2e', 'lint', ['node_modules/eslint/bin/eslint.js', '.']),
  beside('e2e', 'format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']),
];

/** What `npm run test:long` runs after set-up. */
export const LONG_STAGES = [
  { name: 'long', run: (env) => runVitest('long', env, LONG_UNIT_TIMEOUT_MS) },
  { name: 'fuzz', run: (env) => fuzz(env, LONG_FUZZ) },
  { name: 'long-e2e', run: (env) => runVitest('long-e2e', env, LONG_E2E_TIMEOUT_MS) },
];

/** A check at the lowest priority: stages with real processes wait a good part of their time. */
function beside(stage, name, command) {
  const { run } = check(name, command, ['nice', '-n', '19']);
  return { name, run, beside: stage };
}

async function fuzz(env, { minutes, seed }) {
  const args = ['scripts/fuzz.mjs', '--minutes', `${minutes}`, '--seed', `${seed}`, '--prepared'];
  await runCommand('node', args, { cwd: ROOT, env, inherit: true, timeoutMs: FUZZ_TIMEOUT_MS });
  return { passed: 1, failed: 0, skipped: 0 };
}

function check(name, command, before = []) {
  const run = async () => {
    const [program, ...args] = [...before, 'node', ...command];
    await runCommand(program, args, { cwd: ROOT, timeoutMs: CHECK_TIMEOUT_MS });
    return { passed: 1, failed: 0, skipped: 0 };
  };
  return { name, run };
}

async function checkGenerated() {
  const stale = await staleFiles();
  if (stale.length === 0) return { passed: 1, failed: 0, skipped: 0 };
  throw new Error(`${stale.join(', ')} differ from what their sources give: run \`npm run gen\` and commit the result`);
}
