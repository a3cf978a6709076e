import { randomUUID } from 'node:crypto';
import { endProcesses, survivors } from './survivors.mjs';

/**
 * Runs all stages, also those after a failing one, and adds up what they counted. A stage that names another one in
 * `beside` runs while that one does, which leaves a part of the machine idle.
 */
export async function runStages(stages, env, { report = console.log, graceMs } = {}) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const marker = `MILLRACE_TEST_RUN=${randomUUID()}`;
  const [name, value] = marker.split('=');
  const add = (counts) => Object.keys(total).forEach((key) => (total[key] += counts[key]));
  const runEach = async (each) => {
    for (const stage of each) add(await runStage(stage, { ...env, [name]: value }, report));
  };
  for (const stage of stages.filter(({ beside }) => !stages.some((other) => other.name === beside))) {
    await Promise.all([runEach([stage]), runEach(stages.filter(({ beside }) => beside === stage.name))]);
  }
  add(await runStage({ name: 'processes', run: () => checkSurvivors(marker, graceMs) }, env, report));
  return total;
}

async function runStage({ name, run }, env, report) {
  const started = performance.now();
  let counts;
  try {
    counts = await run(env);
  } catch (error) {
    report(error.message);
    counts = { passed: 0, failed: 1, skipped: 0 };
  }
  const time = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  report(`${counts.failed === 0 ? 'ok     ' : 'FAILED '} ${name} (${time})`);
  return counts;
}

/** A test that leaves a process behind leaves it on the user's machine too. */
async function checkSurvivors(marker, graceMs) {
  const left = await survivors(marker, graceMs);
  if (left.length === 0) return { passed: 1, failed: 0, skipped: 0 };
  endProcesses(left);
  const list = left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n');
  throw new Error(
    `the tests left ${left.length} processes running (ended now): end them in the test that starts them\n${list}`,
  );
}
