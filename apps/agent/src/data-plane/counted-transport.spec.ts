import { expect, it } from 'vitest';
import { CountedTransport } from './counted-transport';
import type { Edge, TensorFrame } from './frame';
import type { StageTransport } from './stage-transport';

function scene(): {
  transport: CountedTransport;
  send: (step: number, edge: Edge, bytes: number) => void;
  at: (ms: number) => void;
} {
  let nowMs = 0;
  const inner = { send: () => Promise.resolve() } as unknown as StageTransport;
  const transport = new CountedTransport(inner, { monotonicMs: () => nowMs });
  const send = (step: number, edge: Edge, bytes: number): void =>
    void transport.send(1, { step, edge, payload: new Float32Array(bytes / 4) } as unknown as TensorFrame);
  return { transport, send, at: (ms) => void (nowMs = ms) };
}

it('counts frames and bytes by step, receiver and edge, and leaves to the next step what was sent ahead', () => {
  const { transport, send, at } = scene();
  at(5_000);
  send(1, 'activation', 8);
  send(1, 'activation', 12);
  send(2, 'activation', 40);
  // Until all ranks are ready, a first step says nothing about rates.
  expect(transport.take(1)).toEqual({ sent: [{ toRank: 1, edge: 'activation', frames: 2, bytes: 20 }], countedMs: 0 });
  at(5_250);
  send(2, 'gradient', 4);
  expect(transport.take(2)).toEqual({
    sent: [
      { toRank: 1, edge: 'activation', frames: 1, bytes: 40 },
      { toRank: 1, edge: 'gradient', frames: 1, bytes: 4 },
    ],
    countedMs: 250,
  });
  expect(transport.take(3).sent).toEqual([]);
});

it('counts what a step that is done again sends again', () => {
  const { transport, send } = scene();
  send(4, 'activation', 8);
  send(4, 'activation', 8);
  expect(transport.take(4).sent).toEqual([{ toRank: 1, edge: 'activation', frames: 2, bytes: 16 }]);
});
