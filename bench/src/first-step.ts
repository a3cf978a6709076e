import { setTimeout as wait } from 'node:timers/promises';
import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { type BenchModel, benchSpec, makeDataset } from './cluster-run';
import type { Measurement } from './measurement';

const RUNS_PER_KIND = 10;
const STEPS = 2;
const POLL_MS = 20;
const GIVEN_UP_MS = 120_000;
/** Agents count as idle when nothing has run on them for this long. */
const IDLE_MS = 500;
const KNOWN: BenchModel = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65 };

interface FirstSteps {
  readonly known: Measurement;
  readonly unknown: Measurement;
}

/** Milliseconds from the submission of a run over two idle agents to its first step, of shapes known and new. */
export async function benchFirstStep(): Promise<FirstSteps> {
  const cluster = await LiveCluster.start({ agents: 2 });
  try {
    await makeDataset(cluster, 'chain', KNOWN);
    await untilFirstStep(cluster, 'warm-up', KNOWN);
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < RUNS_PER_KIND; round++) {
      unknown.push(await untilFirstStep(cluster, `new-${round}`, shape(round)));
      known.push(await untilFirstStep(cluster, `known-${round}`, KNOWN));
    }
    return { known: row(known), unknown: row(unknown) };
  } finally {
    await cluster.stop();
  }
}

/** Of a width and context that no other run has. */
function shape(round: number): BenchModel {
  return { ...KNOWN, width: 96 + 8 * round, heads: 4, context: 40 + 3 * round };
}

async function untilFirstStep(cluster: LiveCluster, name: string, model: BenchModel): Promise<number> {
  const batch = { global: 8, micro: 2 };
  const startedMs = performance.now();
  const { id } = await cluster.client.submitRun(benchSpec(name, 'chain', { model, batch, pp: 2, steps: STEPS }));
  for (let run = await cluster.client.run(id); run.step < 1; run = await cluster.client.run(id)) {
    if (performance.now() - startedMs > GIVEN_UP_MS || run.state === 'failed')
      throw new Error(`${name} is ${run.state} without a step: ${JSON.stringify(run.reason)}`);
    await wait(POLL_MS);
  }
  const tookMs = performance.now() - startedMs;
  process.stderr.write(`${name} ${Math.round(tookMs)} ms\n`);
  await cluster.untilRun(id, ['succeeded']);
  await wait(IDLE_MS);
  return tookMs;
}

function row(values: readonly number[]): Measurement {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
  const how = `90th percentile of ${values.length} runs of ${STEPS} steps over two idle agents`;
  return { ours: at(0.9), peer: null, ratio: null, unit: 'ms', by: { how, median: at(0.5), worst: at(1), values } };
}
