import type { RunSpecInput } from '@millrace/contracts';
import type { MillraceClient } from '@millrace/sdk';

/** 97 characters that follow from one another with some noise, so that a model can learn them: odd on purpose. */
function smallTokens(count: number): Uint16Array {
  const tokens = new Uint16Array(count);
  let state = 7;
  let token = 0;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    token = state % 5 === 0 ? (state >>> 8) % 97 : (token * 7 + 3) % 97;
    tokens[index] = token;
  }
  tokens[0] = 96;
  return tokens;
}

/** The dataset that `smallRun` reads. */
export async function createSmallDataset(client: MillraceClient): Promise<void> {
  const body = new Uint8Array(smallTokens(12_000).buffer);
  await client.createDataset({ name: 'small', contentType: 'application/x-tokens-u16', body });
}

type Overrides = {
  readonly [Section in keyof RunSpecInput]?: RunSpecInput[Section] extends object
    ? Partial<RunSpecInput[Section]>
    : RunSpecInput[Section];
};

/** A run whose sizes are multiples of nothing: vocabulary 97, width 60, 3 heads, context 21, 5 micro-batches. */
export function smallRun(name: string, overrides: Overrides = {}): RunSpecInput {
  return {
    name,
    model: { family: 'gpt2', layers: 4, heads: 3, hidden: 60, context: 21, ...overrides.model },
    data: { dataset: 'small', validation: 0.1, ...overrides.data },
    train: {
      steps: 12,
      batch: { global: 10, micro: 2 },
      optimizer: { type: 'adamw', lr: 1e-3, weightDecay: 0.1 },
      lr: { schedule: 'cosine', warmup: 3 },
      clip: 1,
      seed: 1337,
      evalEvery: 6,
      evalBatches: 2,
      checkpointEvery: 4,
      ...overrides.train,
    },
    parallel: { pp: 2, schedule: '1f1b', ...overrides.parallel },
    ...(overrides.resources === undefined ? {} : { resources: overrides.resources }),
    ...(overrides.retries === undefined ? {} : { retries: overrides.retries }),
  };
}
