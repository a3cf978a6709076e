import { parseRunSpec, type RunSpec, type RunSpecInput } from '@millrace/contracts';
import type { PrismaService } from '../src/ground/database/prisma.service';

export const DATASET_ID = 'data_bytes';

/** A dataset's row: these tests train nothing, so there are no tokens behind it. */
export async function createDataset(prisma: PrismaService, tokens = 10_000): Promise<void> {
  await prisma.dataset.create({
    data: {
      id: DATASET_ID,
      name: 'bytes',
      tokens: BigInt(tokens),
      vocab: 256,
      tokenizer: { name: 'byte' },
      dtype: 'u16',
      sha256: 'a'.repeat(64),
      bytes: BigInt(2 * tokens),
    },
  });
}

type Overrides = { [K in keyof RunSpecInput]?: Partial<RunSpecInput[K]> };

export function tinySpec({ model, train, parallel, data, ...rest }: Overrides = {}): RunSpec {
  return parseRunSpec({
    name: 'tiny',
    model: { family: 'gpt2', layers: 2, heads: 1, hidden: 4, context: 8, ...(model as object) },
    data: { dataset: 'bytes', ...(data as object) },
    train: { steps: 10, batch: { global: 4, micro: 2 }, optimizer: { type: 'adamw', lr: 0.001 }, ...(train as object) },
    parallel: { pp: 2, ...(parallel as object) },
    ...rest,
  });
}
