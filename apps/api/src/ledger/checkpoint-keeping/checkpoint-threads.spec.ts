import { systemClock } from '@millrace/core';
import { afterAll, describe, expect, it } from 'vitest';
import { CheckpointThreads } from './checkpoint-threads';

const tensor = (index: number): object => ({
  name: `transformer.h.${index}.ln_1.weight`,
  kind: 'weight',
  dtype: 'f32',
  shape: [1],
  blocks: [{ sha256: String(index).padStart(64, '0'), bytes: 4 }],
});
const part = (count: number): { tensors: object[] } => ({
  tensors: Array.from({ length: count }, (_, index) => tensor(index)),
});

describe('the parts of a checkpoint that ranks report', () => {
  const threads = new CheckpointThreads(systemClock);
  afterAll(() => threads.onModuleDestroy());

  it('are checked while the event loop turns', async () => {
    const json = JSON.stringify(part(10_000));
    let isChecked = false;
    const checked = threads.check(json).finally(() => (isChecked = true));
    // What is done on the loop itself is settled before the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(isChecked).toBe(false);
    expect(await checked).toBe(json);
  });

  it('are refused in a few sentences, in however many places they are wrong', async () => {
    const wrong = part(10_000).tensors.map((each) => ({ ...each, dtype: 'f16' }));
    const refused: unknown = await threads.check(JSON.stringify({ tensors: wrong })).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CHECKPOINT.PART_INVALID', kind: 'invalid' });
    expect((refused as Error).message).toContain('tensors[0].dtype');
    expect((refused as Error).message.length).toBeLessThan(1_000);
  });

  it('are refused with the reason when they are not JSON', async () => {
    await expect(threads.check('{')).rejects.toMatchObject({ code: 'CHECKPOINT.PART_INVALID' });
  });
});
