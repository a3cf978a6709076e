import type { DeviceTensor } from '@millrace/runtime';
import { expect, it } from 'vitest';
import type { TensorFrame } from '../../data-plane/frame';
import { type Address, TensorExchange, type TensorExchangeOptions } from './tensor-exchange';

const TENSOR = { declaration: { name: 'residual_NC', shape: [1], dtype: 'f32', role: 'output' } } as DeviceTensor;
const ended = (): void => undefined;

/** A device that is as slow as the test wants: a read is done when its entry in `reads` is called. */
function exchange(): { exchange: TensorExchange; reads: (() => void)[]; sent: TensorFrame[] } {
  const reads: (() => void)[] = [];
  const sent: TensorFrame[] = [];
  const read = (): Promise<Float32Array> => new Promise((resolve) => reads.push(() => resolve(new Float32Array(1))));
  const options = {
    rank: 0,
    stages: [0],
    memory: { backend: { read }, staging: {} },
    transport: { send: (_rank: number, frame: TensorFrame) => Promise.resolve(sent.push(frame)), dropBefore: ended },
    timeline: { delayMs: () => 0, mark: () => ended, beginSpan: () => ended },
    watchdog: { device: (work: unknown) => work, waits: () => ended },
    failure: { raise: ended },
  };
  return { exchange: new TensorExchange(options as unknown as TensorExchangeOptions), reads, sent };
}

const address = (microBatch: number): Address => ({ edge: 'activation', step: 3, microBatch, chunk: 0 });

it('sends nothing of a step that was rolled back while a tensor waited for room', async () => {
  const { exchange: tensors, reads, sent } = exchange();
  for (const microBatch of [0, 1, 2, 3]) await tensors.send(1, TENSOR, address(microBatch));
  const waiting = tensors.send(1, TENSOR, address(4));
  tensors.rollBack();
  for (const done of reads) done();
  await waiting;
  await tensors.send(1, TENSOR, address(4));
  for (const done of reads) done();
  await tensors.sends.settled();
  expect(sent.map(({ microBatch, rollbacks }) => ({ microBatch, rollbacks }))).toEqual([
    { microBatch: 4, rollbacks: 1 },
  ]);
});
