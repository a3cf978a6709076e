import { silentLogger } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { ApiConfig } from '../../../ground/config/api-config';
import { ClusterContext } from '../../../ground/config/cluster-context';
import type { ClusterSignals } from '../../../ground/events/cluster-signals';
import type { RunLedger } from '../../../ledger/runs/run-ledger';
import { AgentSession } from '../../../ledger/sessions/agent-session';
import type { ApiBody } from '../../../ledger/sessions/agent-transport';
import type { SessionRegistry } from '../../../ledger/sessions/session-registry';
import type { ProfileRequestsService } from '../../../planning/profiling/profile-requests.service';
import type { ResumeSourceService } from '../../../planning/scheduling/resume-source.service';
import { CommandDispatcherService } from './command-dispatcher.service';

/** Two agents: the first is to start an attempt, the second to take an attempt to a boundary. */
it('sends the others their commands when one attempt cannot be read', async () => {
  const sent: ApiBody[] = [];
  const session = (agentId: string): AgentSession =>
    new AgentSession(
      { agentId, epoch: 1 },
      {
        send: (body: ApiBody) => void sent.push(body),
        close: () => undefined,
      },
    );
  const leases = ['a', 'b'].map((name) => ({ agentId: `agent_${name}`, runId: `run_${name}`, fence: 1, rank: 0 }));
  const boundary = { sequence: 1, checkpoint: true, stop: false, acknowledged: false };
  const statuses = [
    { runId: 'run_a', fence: 1, state: 'scheduled', ranks: { 0: { state: 'pending' } }, boundary: null },
    { runId: 'run_b', fence: 1, state: 'running', ranks: { 0: { state: 'running' } }, boundary },
  ];
  const attempts = {
    statuses: () => Promise.resolve(statuses),
    find: () => Promise.reject(new RangeError('its plan cannot be read')),
  };
  const clock = new FakeClock();
  const dispatcher = new CommandDispatcherService(
    { all: () => [session('agent_a'), session('agent_b')] } as unknown as SessionRegistry,
    { leases: { ofAgents: () => Promise.resolve(leases) }, attempts } as unknown as RunLedger,
    {} as ResumeSourceService,
    { commands: () => Promise.resolve([]) } as unknown as ProfileRequestsService,
    { whenCommands: () => () => undefined } as unknown as ClusterSignals,
    new ClusterContext({ leaseMs: 15_000 } as ApiConfig, clock, silentLogger),
  );
  dispatcher.onApplicationBootstrap();
  await new Promise((resolve) => setImmediate(resolve));
  dispatcher.onModuleDestroy();
  expect(sent.map(({ $case }) => $case)).toEqual(['requestBoundary']);
});
