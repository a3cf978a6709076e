import { EventEmitter } from 'node:events';
import type { agentV1 } from '@millrace/contracts';
import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { AgentSession } from '../../ledger/sessions/agent-session';
import { SessionConnection } from './session-connection';

type Call = ConstructorParameters<typeof SessionConnection>[0];

/** A session of an agent, which is to send a heartbeat every second and may miss four. */
async function scene(admit: () => Promise<void> = () => Promise.resolve()) {
  const clock = new FakeClock();
  const call = Object.assign(new EventEmitter(), {
    paused: false,
    isPaused: () => call.paused,
    getPeer: () => 'peer',
    write: () => true,
  });
  const errors: { code: number; details: string }[] = [];
  call.on('error', (error) => errors.push(error as never));
  let openedCount = 0;
  const connection: SessionConnection = new SessionConnection(call as unknown as Call, {
    clock,
    heartbeatMs: 1_000,
    silentMs: 5_000,
    admit,
    open: async ({ agentId }, transport) => {
      openedCount++;
      return new AgentSession({ agentId, epoch: 1 }, transport);
    },
    receive: () => Promise.resolve(),
    closed: () => Promise.resolve(),
    report: () => undefined,
  });
  connection.begin();
  const receive = (body: agentV1.AgentMessage['body']): void => void call.emit('data', { body });
  receive({ $case: 'register', value: { agentId: 'agent_a' } as agentV1.Register });
  await new Promise((resolve) => setImmediate(resolve));
  const looks = (count: number): void => {
    for (let look = 0; look < count; look++) clock.fireNext();
  };
  const beat = (): void => receive({ $case: 'heartbeat', value: { sequence: 1, running: [], latenessMs: 0 } });
  return { call, clock, errors, looks, beat, openedCount: () => openedCount };
}

describe('a session without heartbeats', () => {
  it('ends when a lease would have run out, and not while they come', async () => {
    const { errors, looks, beat, clock } = await scene();
    looks(4);
    beat();
    looks(4);
    expect(errors).toEqual([]);
    looks(1);
    expect(errors).toMatchObject([{ code: 14, details: 'agent_a has sent no heartbeat for 5 s; open a new session' }]);
    expect(clock.fireNext()).toBe(false);
  });

  it('does not end for a time in which nobody listened', async () => {
    const { call, clock, errors, looks } = await scene();
    clock.standStill(60_000);
    looks(1);
    call.paused = true;
    looks(20);
    expect(errors).toEqual([]);
  });
});

describe('a stream that is given up before its agent is admitted', () => {
  it('opens no session, which would supersede the one that the agent has opened since', async () => {
    let allow: () => void = () => undefined;
    const { call, clock, errors, openedCount } = await scene(() => new Promise((resolve) => (allow = resolve)));
    call.emit('cancelled');
    allow();
    await new Promise((resolve) => setImmediate(resolve));
    expect([openedCount(), errors]).toEqual([0, []]);
    expect(clock.fireNext()).toBe(false);
  });
});
