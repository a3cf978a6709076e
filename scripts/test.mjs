#!/usr/bin/env node
/**
 * `npm test`: set-up, then every check and test there is; `npm test -- --only NAME` for one stage. `--long` runs the
 * long tests in their place (`npm run test:long`).
 * The last line is `N passed, N failed`, with `, N skipped` where tests were skipped; exit code 1 on any failure.
 */
import { delimiter } from 'node:path';
import { argv, env, exit } from 'node:process';
import { setUp, softwareDriverEnv } from './setup.mjs';
import { ensurePromtool, PROMTOOL_FOLDER } from './setup/fetch-promtool.mjs';
import { ensureChromium } from './setup/install-chromium.mjs';
import { runStages } from './test/run-stages.mjs';
import { LONG_STAGES, STAGES } from './test/stages.mjs';

async function main() {
  const all = argv.includes('--long') ? LONG_STAGES : STAGES;
  const only = readOnly(all);
  const started = performance.now();
  try {
    await setUp();
    for (const problem of await Promise.all([ensureChromium(), ensurePromtool()])) {
      if (problem !== undefined) console.log(problem);
    }
  } catch (error) {
    console.error(error.message);
    console.log('0 passed, 1 failed');
    return 1;
  }
  console.log(`ok      set-up (${seconds(started)})`);
  const stages = all.filter((stage) => only === undefined || stage.name === only);
  const { passed, failed, skipped } = await runStages(stages, {
    ...softwareDriverEnv(),
    PATH: `${env.PATH ?? ''}${delimiter}${PROMTOOL_FOLDER}`,
  });
  // Set-up is a check too: what it could not do ended the run above.
  const counts = [`${passed + 1} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  console.log(counts.join(', '));
  return failed > 0 ? 1 : 0;
}

function readOnly(all) {
  const index = argv.indexOf('--only');
  if (index === -1) return undefined;
  const name = argv[index + 1];
  if (all.some((stage) => stage.name === name)) return name;
  console.error(`there is no stage ${name}: --only takes one of ${all.map((stage) => stage.name).join(', ')}`);
  return exit(2);
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

exit(await main());
