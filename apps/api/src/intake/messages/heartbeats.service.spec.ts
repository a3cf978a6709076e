import { silentLogger } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { ApiConfig } from '../../ground/config/api-config';
import type { PrometheusService } from '../../ground/prometheus/prometheus.service';
import type { AgentsRepository } from '../../ledger/agents/agents.repository';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { AgentSession } from '../../ledger/sessions/agent-session';
import type { AgentTransport } from '../../ledger/sessions/agent-transport';
import type { RunningAttemptsService } from '../sessions/running-attempts.service';
import { HeartbeatsService } from './heartbeats.service';

const LEASE_MS = 15_000;

it('lets no lease end while a heartbeat waits for a connection to the database', () => {
  const clock = new FakeClock();
  const term = new LeaseTerm({ leaseMs: LEASE_MS } as ApiConfig, clock, silentLogger);
  const never: Partial<AgentsRepository> = { markSeen: () => new Promise(() => undefined) };
  const service = new HeartbeatsService(
    never as AgentsRepository,
    {} as RunningAttemptsService,
    { observeHeartbeat: () => undefined } as unknown as PrometheusService,
    term,
  );
  const session = new AgentSession({ agentId: 'agent_a', epoch: 1 }, {} as AgentTransport);
  void service.beat(session, { sequence: 1, running: [], latenessMs: 0 });
  clock.after(LEASE_MS, () => undefined);
  clock.fireNext();
  expect(term.hasPassed).toBe(true);
  term.noteWaits();
  expect(term.hasPassed).toBe(false);
});
