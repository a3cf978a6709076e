import { type AppError, silentLogger } from '@millrace/core';
import { type ApiMessageBody, messageTooLarge } from '@millrace/contracts';
import { FakeClock } from '@millrace/testing';
import { beforeEach, expect, it } from 'vitest';
import type { ApiConfig } from '../../../ground/config/api-config';
import type { ClusterSignals } from '../../../ground/events/cluster-signals';
import type { AttemptReportsService } from '../../../ledger/attempts/attempt-reports.service';
import type { AttemptsRepository } from '../../../ledger/runs/attempts.repository';
import type { LeasesRepository } from '../../../ledger/runs/leases.repository';
import { AgentSession } from '../../../ledger/sessions/agent-session';
import type { SessionRegistry } from '../../../ledger/sessions/session-registry';
import type { ProfileRequestsService } from '../../../planning/profiling/profile-requests.service';
import type { ResumeSourceService } from '../../../planning/scheduling/resume-source.service';
import { AttemptStartsService } from './attempt-starts.service';
import { CommandDispatcherService } from './command-dispatcher.service';

const leases = ['a', 'b'].map((name) => ({ agentId: `agent_${name}`, runId: `run_${name}`, fence: 1, rank: 0 }));
const boundary = { sequence: 1, checkpoint: true, stop: false, acknowledged: false };
/** The first agent must start an attempt, the second must take an attempt to a boundary. */
const statuses = [
  { runId: 'run_a', fence: 1, state: 'scheduled', ranks: { 0: { state: 'pending' } }, boundary: null },
  { runId: 'run_b', fence: 1, state: 'running', ranks: { 0: { state: 'running' } }, boundary },
];

let sent: string[];
let failed: { runId: string; failureClass: string; errorCode: string }[];
let busy: boolean;
let refusal: AppError | undefined;
/** Reads the attempt that must start. */
let find: () => Promise<unknown>;

beforeEach(() => {
  sent = [];
  failed = [];
  busy = false;
  refusal = undefined;
  find = () => Promise.resolve({ ...statuses[0], dataKey: 'key', plan: { predicted: { stepTimeMs: null } } });
});

function dispatch(): { clock: FakeClock; stop: () => void } {
  const transport = {
    send: (body: ApiMessageBody): AppError | undefined => {
      sent.push(body.$case);
      return body.$case === 'startAttempt' ? refusal : undefined;
    },
    isBusy: () => busy,
    close: () => undefined,
  };
  const sessions = leases.map(({ agentId }) => new AgentSession({ agentId, epoch: 1 }, transport));
  const none = Promise.resolve(null);
  const nowMs = (): Promise<number> => Promise.resolve(clock.now());
  const attempts = {
    statuses: () => Promise.resolve(statuses),
    find: () => find(),
    credential: () => none,
    nowMs,
  } as unknown as AttemptsRepository;
  const reports: Partial<AttemptReportsService> = {
    startFailed: async (_, { runId }, { failureClass, errorCode }) =>
      void failed.push({ runId, failureClass, errorCode }),
  };
  const clock = new FakeClock();
  const dispatcher = new CommandDispatcherService(
    { all: () => sessions } as unknown as SessionRegistry,
    attempts,
    { ofAgents: () => Promise.resolve(leases) } as unknown as LeasesRepository,
    new AttemptStartsService(
      attempts,
      { load: () => Promise.resolve({ from: 'random' }) } as unknown as ResumeSourceService,
      reports as AttemptReportsService,
      silentLogger,
    ),
    { commands: () => Promise.resolve([]) } as unknown as ProfileRequestsService,
    { whenCommands: () => () => undefined } as unknown as ClusterSignals,
    { leaseMs: 15_000 } as ApiConfig,
    clock,
    silentLogger,
  );
  dispatcher.onApplicationBootstrap();
  return { clock, stop: () => dispatcher.onModuleDestroy() };
}

const passed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('sends the others their commands when one attempt cannot be read, and ends that one', async () => {
  find = () => Promise.reject(new RangeError('its plan cannot be read'));
  const { stop } = dispatch();
  await passed();
  stop();
  expect(sent).toEqual(['requestBoundary']);
  expect(failed).toEqual([{ runId: 'run_a', failureClass: 'internal', errorCode: 'ATTEMPT.UNSENDABLE' }]);
});

it('tries again while the database is away', async () => {
  find = () => Promise.reject(Object.assign(new Error('Connection terminated'), { name: 'DriverAdapterError' }));
  const { stop } = dispatch();
  await passed();
  stop();
  expect(failed).toEqual([]);
});

it('ends an attempt whose plan is too long for its agent, which would be told for ever', async () => {
  refusal = messageTooLarge('the message "startAttempt"', 5, 4);
  const { stop } = dispatch();
  await passed();
  stop();
  expect(failed).toEqual([{ runId: 'run_a', failureClass: 'user_error', errorCode: 'SESSION.MESSAGE_TOO_LARGE' }]);
});

it('sends a long start once while it is on its way, however long that takes', async () => {
  busy = true;
  const { clock, stop } = dispatch();
  await passed();
  for (let second = 0; second < 30; second++) {
    clock.fireNext();
    await passed();
  }
  expect(sent.filter((kind) => kind === 'startAttempt')).toHaveLength(1);
  busy = false;
  clock.fireNext();
  await passed();
  stop();
  expect(sent.filter((kind) => kind === 'startAttempt')).toHaveLength(2);
});
