import { expect, it } from 'vitest';
import { agentBody } from './agent-body';
import type { AgentWithLease } from './agents.repository';

const READ_AT = Date.parse('2026-11-30T12:00:00Z');

/** An agent that told of its device `agoMs` before it is shown. */
function shown(isHere: boolean, agoMs: number): ReturnType<typeof agentBody> {
  const agent = {
    ...{ id: 'agent_a', host: 'host', device: '0', version: '1', dataAddress: '127.0.0.1:1', adapter: {}, labels: {} },
    ...{ isHere, draining: false, setAside: null, lease: null, generation: null, benchmark: null },
    telemetry: { time: new Date(READ_AT - agoMs).toISOString(), utilizationPercent: 99 },
    readAt: new Date(READ_AT),
    lastSeenAt: new Date(READ_AT - agoMs),
  } as unknown as AgentWithLease;
  return agentBody(agent, []);
}

it('shows what a device does now, and nothing of one that is gone or has been silent for half a minute', () => {
  expect(shown(true, 29_000)).toMatchObject({ state: 'connected', telemetry: { utilizationPercent: 99 } });
  expect(shown(true, 31_000)).toMatchObject({ state: 'connected', telemetry: null });
  expect(shown(false, 1_000)).toMatchObject({ state: 'disconnected', telemetry: null });
});
