import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { LiveCluster } from '../../tests/e2e/support/live-cluster';
import { type BenchModel, benchSpec, makeDataset } from './cluster-run';
import type { Measurement } from './measurement';

const RUNS_PER_KIND = 10;
/** Clusters whose first run is measured. */
const COLD_CLUSTERS = 3;
const STEPS = 2;
const POLL_MS = 20;
const GIVEN_UP_MS = 120_000;
/** Agents count as idle when nothing has run on them for this long. */
const IDLE_MS = 500;
const KNOWN: BenchModel = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65 };

interface FirstSteps {
  readonly known: Measurement;
  readonly unknown: Measurement;
  readonly cold: Measurement;
}

/**
 * Milliseconds from the submission of a run over two idle agents to its first step: of a shape known, of new ones, and
 * of the first run where the driver has compiled no more than what agents test at their start. Mesa keeps compiled
 * shaders on disk: each cluster has a folder of its own for them, which is empty at first, so that a shape is new to it
 * whatever was measured before. Other drivers keep theirs where they like.
 */
export async function benchFirstStep(): Promise<FirstSteps> {
  const cold: number[] = [];
  const firstRun = async (cluster: LiveCluster): Promise<void> => {
    await makeDataset(cluster, 'chain', KNOWN);
    await wait(IDLE_MS);
    cold.push(await untilFirstStep(cluster, 'first', shape(RUNS_PER_KIND)));
  };
  for (let turn = 1; turn < COLD_CLUSTERS; turn++) await withEmptyCache(firstRun);
  const known: number[] = [];
  const unknown: number[] = [];
  await withEmptyCache(async (cluster) => {
    await firstRun(cluster);
    await untilFirstStep(cluster, 'warm-up', KNOWN);
    for (let round = 0; round < RUNS_PER_KIND; round++) {
      unknown.push(await untilFirstStep(cluster, `new-${round}`, shape(round)));
      known.push(await untilFirstStep(cluster, `known-${round}`, KNOWN));
    }
  });
  return {
    known: row(known, 'of a shape that ran before'),
    unknown: row(unknown, 'each of a shape of its own, that the shader cache has not'),
    cold: row(cold, 'each the first of a cluster whose shader cache was empty before its agents started'),
  };
}

async function withEmptyCache(use: (cluster: LiveCluster) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-shaders-'));
  try {
    const cluster = await LiveCluster.start({ agents: 2, environment: { MESA_SHADER_CACHE_DIR: folder } });
    try {
      await use(cluster);
    } finally {
      await cluster.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
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

function row(values: readonly number[], kind: string): Measurement {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
  const how = `90th percentile of ${values.length} runs of ${STEPS} steps over two idle agents, ${kind}`;
  return { ours: at(0.9), peer: null, ratio: null, unit: 'ms', by: { how, median: at(0.5), worst: at(1), values } };
}
