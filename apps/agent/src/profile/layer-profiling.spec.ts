import type { AgentMessageBody, LayerWork } from '@millrace/contracts';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { LayerProfiling } from './layer-profiling';

it('is given up where the device does not get on, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const sent: AgentMessageBody[] = [];
  const profiling: LayerProfiling = new LayerProfiling({
    commandId: 'profile:1',
    work: {} as LayerWork,
    device: { quarantined: [] },
    startThread: () => ({ post: () => undefined, silentMs: () => 0, stop: () => Promise.resolve() }),
    clock,
    send: (body) => sent.push(body),
    onMessage: (message) => profiling.handle(message),
  });
  profiling.begin(Promise.resolve());
  await new Promise((resolve) => setImmediate(resolve));
  clock.fireNext();
  expect(clock.monotonicMs()).toBe(300_000);
  expect(profiling.isOver).toBe(true);
  expect(sent).toMatchObject([
    {
      $case: 'layerProfile',
      value: { commandId: 'profile:1', errorMessage: expect.stringContaining('300 s') as string },
    },
  ]);
  expect(clock.fireNext()).toBe(false);
});
