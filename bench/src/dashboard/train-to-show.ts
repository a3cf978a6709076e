import { readMobyDick } from '../../../apps/cli/src/quickstart/corpus';
import { type LiveCluster, waitUntil } from '../../../tests/e2e/support/live-cluster';
import type { RunSpecInput } from '@millrace/contracts';

/** Steps that make a curve. */
const SHOWN_STEPS = 250;
const CURVE_TIMEOUT_MS = 600_000;

export interface Trained {
  /** Trains as long as the cluster is up. */
  readonly live: string;
  readonly finished: string;
}

/** Runs in the states that a cluster in use has: one finished, one failed, one under way, one that waits. */
export async function trainToShow(cluster: LiveCluster): Promise<Trained> {
  const { client } = cluster;
  await client.createDataset({
    ...{ name: 'moby-dick', tokenizer: 'char', contentType: 'text/plain', body: readMobyDick() },
  });
  const finished = (await client.submitRun(spec('moby-zb-h1', { steps: 40, schedule: 'zb-h1' }))).id;
  await cluster.untilRun(finished, ['succeeded'], 600_000);
  const failed = (await client.submitRun(spec('too-fast', { steps: 60, lr: 1e6 }))).id;
  await cluster.untilRun(failed, ['failed']);
  const live = (await client.submitRun(spec('moby-gpt', { steps: 5_000 }))).id;
  await client.submitRun(spec('moby-gpipe', { steps: 60, schedule: 'gpipe' }));
  await waitUntil('a curve', async () => (await client.run(live)).step >= SHOWN_STEPS, CURVE_TIMEOUT_MS);
  return { live, finished };
}

interface Shown {
  readonly steps: number;
  readonly lr?: number;
  readonly schedule?: '1f1b' | 'zb-h1' | 'gpipe';
}

/** A learning rate out of all bounds goes with an optimizer that does not bound its steps either. */
function spec(name: string, { steps, lr, schedule = '1f1b' }: Shown): RunSpecInput {
  const optimizer =
    lr === undefined ? { type: 'adamw' as const, lr: 2e-3, weightDecay: 0.1 } : { type: 'sgd' as const, lr };
  return {
    name,
    model: { family: 'gpt2', layers: 4, heads: 4, hidden: 64, context: 32 },
    data: { dataset: 'moby-dick', validation: 0.1 },
    train: {
      ...{ steps, batch: { global: 16, micro: 4 }, optimizer, evalEvery: 20, evalBatches: 2, checkpointEvery: 50 },
      ...(lr === undefined ? { clip: 1, lr: { schedule: 'cosine', warmup: 30 } } : {}),
    },
    parallel: { pp: 2, schedule },
    retries: 0,
  };
}
