import type { AgentMessageBody, GeneratePlan } from '@millrace/contracts';
import { type Clock, silentLogger } from '@millrace/core';
import { beforeEach, expect, it } from 'vitest';
import type { BlobCache } from '../blobs/blob-cache';
import { DataPlane } from '../data-plane/data-plane';
import { IncomingLink } from '../data-plane/link/incoming-link';
import type { FrameDialer } from '../data-plane/link/frame-channel';
import { Generation, type GenerationEvent } from './generation';

const PLAN = {
  taskId: 'gen_1',
  rank: 0,
  dataKey: 'k'.repeat(40),
  model: { context: 4, hidden: 8 },
  peers: [{ rank: 1, agentId: 'b', address: 'x:1' }],
};

let timers: { atMs: number; task: () => void }[];
let clock: Clock;
let sent: AgentMessageBody[];
let threadsStopped: number;
let dataPlane: DataPlane;

beforeEach(() => {
  timers = [];
  sent = [];
  threadsStopped = 0;
  clock = {
    now: () => 0,
    monotonicMs: () => 0,
    after: (delayMs, task) => {
      const timer = { atMs: delayMs, task };
      timers.push(timer);
      return () => void (timers = timers.filter((each) => each !== timer));
    },
  };
  const dialer = {} as FrameDialer;
  const limits = { windowBytes: 1024, partBytes: 512 };
  dataPlane = new DataPlane({ dialer, limits, clock, random: () => 0.5, logger: silentLogger });
});

/** A rank whose thread waits for a frame that never comes. */
function waiting(): { generation: Generation; events: GenerationEvent[] } {
  const events: GenerationEvent[] = [];
  const generation = new Generation({
    plan: PLAN as unknown as GeneratePlan,
    credential: undefined,
    device: { quarantined: [] },
    dataPlane,
    startThread: () => ({
      post: () => undefined,
      silentMs: () => 0,
      stop: () => {
        threadsStopped++;
        return Promise.resolve();
      },
    }),
    cache: {} as BlobCache,
    lendDevice: () => Promise.resolve({ sliceMs: 1, over: () => undefined }),
    clock,
    send: (body) => sent.push(body),
    onEvent: (event) => events.push(event),
  });
  return { generation, events };
}

it('gives up on a peer that never comes, says so and frees its thread', async () => {
  const { generation, events } = waiting();
  expect(timers.map(({ atMs }) => atMs)).toEqual([150_000]);
  timers[0]!.task();
  generation.handle(events[0]!);
  await generation.end('again');
  expect(generation.isOver).toBe(true);
  expect(threadsStopped).toBe(1);
  expect(sent).toMatchObject([
    { $case: 'generateOutput', value: { done: true, errorMessage: expect.stringContaining('150 s') as string } },
  ]);
});

it('leaves no timer behind, and nothing in the data plane', async () => {
  const identity = { runId: PLAN.taskId, fence: 1, key: PLAN.dataKey, fromRank: 1 };
  const { generation } = waiting();
  expect(dataPlane.accept(identity)).toBeInstanceOf(IncomingLink);
  await generation.end('finished');
  expect(timers).toEqual([]);
  expect(dataPlane.accept(identity)).toMatchObject({ code: 'DATA_PLANE.STREAM_REFUSED' });
});
