import { memoryAccess, SafetensorsFile } from '@millrace/checkpoint';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isKeyBias, relativeDifference } from '../golden/gpt2-oracle';
import { differenceFromTrace, readTrace, type Trace, TRACED_FAMILIES, type TracedFamily } from '../golden/traces';
import { CHUNKED, SCHEDULES, type Schedule } from './support/cuts';
import { LiveCluster } from './support/live-cluster';
import { OracleTraining, type Parallel } from './support/oracle-training';

/** The traces of PyTorch, through REST and real agents; tests/golden/traces.spec.ts has them in one process. */
let cluster: LiveCluster;
const trainings = new Map<TracedFamily, OracleTraining>();

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 4 });
  for (const family of TRACED_FAMILIES) trainings.set(family, await OracleTraining.prepareTrace(cluster, family));
});

afterAll(async () => {
  await cluster?.stop();
});

/** Four layers are too few for eight stages, of which none but those at the ends may be empty. */
function cutsOf(schedule: Schedule): Parallel[] {
  if (CHUNKED.has(schedule)) return [1, 2].map((pp) => ({ schedule, pp, chunks: 2 }));
  return [1, 2, 4].map((pp) => ({ schedule, pp }));
}

async function worstWeight({ settings, finalWeights }: Trace, model: Buffer<ArrayBuffer>): Promise<number> {
  const file = await SafetensorsFile.open(memoryAccess(model));
  let worst = 0;
  for (const [name, tensor] of Object.entries(finalWeights)) {
    const skip = (index: number): boolean => isKeyBias(settings.model, name, index);
    worst = Math.max(worst, differenceFromTrace(await file.readFloat32(name), tensor, skip).absolute);
  }
  return worst;
}

it.each(TRACED_FAMILIES.flatMap((family) => SCHEDULES.map((schedule) => [family, schedule] as const)))(
  'a %s under %s has the losses, norms and final weights of PyTorch on 1 to 4 agents',
  async (family, schedule) => {
    const training = trainings.get(family) as OracleTraining;
    const trace = readTrace(family);
    const runs = new Map<string, Parallel>();
    for (const parallel of cutsOf(schedule)) runs.set(await training.submit(parallel), parallel);
    for (const [id, { pp }] of runs) {
      await cluster.untilRun(id, ['succeeded'], 280_000);
      const { losses, norms } = await training.course(id);
      const weights = await training.exported(await training.lastCheckpoint(id));
      expect(relativeDifference(losses, trace.losses), `loss on ${pp}`).toBeLessThan(5e-6);
      expect(relativeDifference(norms, trace.gradientNorms), `norm on ${pp}`).toBeLessThan(5e-5);
      expect(await worstWeight(trace, weights), `weights on ${pp}`).toBeLessThan(2e-4);
    }
  },
);
