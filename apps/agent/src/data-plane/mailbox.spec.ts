import { describe, expect, it } from 'vitest';
import type { TensorFrame, FrameKey } from './frame';
import { Mailbox } from './mailbox';

const key = (step: number, rollbacks: number): FrameKey => {
  return { edge: 'activation', step, microBatch: 0, chunk: 0, fromRank: 1, rollbacks };
};

const frame = (step: number, rollbacks: number): TensorFrame => ({
  ...key(step, rollbacks),
  direction: 'forward',
  dtype: 'u8',
  shape: [1],
  payload: new Uint8Array([10 * step + rollbacks]),
});

describe('a mailbox that drops a step', () => {
  it('gives back the credit of what it holds and of what comes later, each once', () => {
    const taken: TensorFrame[] = [];
    const mailbox = new Mailbox(
      () => 0,
      (each) => void taken.push(each),
    );
    const [held, late, kept] = [frame(2, 0), frame(3, 0), frame(2, 1)];
    mailbox.put(held);
    mailbox.put(kept);
    mailbox.dropBefore(1);
    mailbox.put(late);
    mailbox.dropBefore(1);
    expect(taken).toEqual([held, late]);
  });

  it('tells the repeated step from the dropped one, whichever comes first', async () => {
    const mailbox = new Mailbox(() => 0);
    // A peer that has already rolled back is ahead of this rank.
    mailbox.put(frame(2, 1));
    const dropped = mailbox.take(key(2, 0));
    mailbox.dropBefore(1);
    await expect(dropped).rejects.toMatchObject({
      code: 'DATA_PLANE.FRAME_DROPPED',
      message: 'activation of step 2, micro-batch 0 from rank 1 belongs to a step that was rolled back',
    });
    await expect(mailbox.take(key(2, 0))).rejects.toMatchObject({ code: 'DATA_PLANE.FRAME_DROPPED' });
    mailbox.put(frame(2, 0));
    expect((await mailbox.take(key(2, 1))).payload[0]).toBe(21);
    const waiting = mailbox.take(key(3, 1));
    mailbox.put(frame(3, 1));
    expect((await waiting).payload[0]).toBe(31);
  });
});
