import type { ApiMessageBody, AttemptPlan } from '@millrace/contracts';
import { type AttemptRecord, type AttemptStatus, expectedStepMs, isLive } from '../../../ledger/runs/attempt-record';
import type { RankCredential } from '../../../ground/tls/gang-credentials';
import type { LeaseRecord } from '../../../ledger/runs/leases.repository';

/** `start` leaves out the plan, which is read only when the command is sent. */
export type Command =
  | { readonly kind: 'start'; readonly id: string }
  | { readonly kind: 'send'; readonly id: string; readonly body: ApiMessageBody };

/**
 * The parts of a command's id. Commands are not stored: what an agent should be told follows from its lease and the
 * attempt.
 */
export type CommandTarget =
  | { readonly kind: 'start' | 'stop'; readonly runId: string; readonly fence: number }
  | { readonly kind: 'boundary'; readonly runId: string; readonly fence: number; readonly sequence: number };

export interface CommandTime {
  readonly nowMs: number;
  readonly leaseMs: number;
}

/**
 * The commands that the agent with `lease` has not answered yet. A command has the same id whenever it is derived, so
 * that an agent recognises one that it has got before, even while it still executes it.
 */
export function desiredCommands(
  { runId, fence, rank }: LeaseRecord,
  attempt: AttemptStatus,
  now: CommandTime,
): Command[] {
  if (!isLive(attempt.state)) {
    if (mayStillReport(attempt, now)) return [];
    const id = commandId({ kind: 'stop', runId, fence });
    return [
      {
        kind: 'send',
        id,
        body: { $case: 'stopAttempt', value: { commandId: id, runId, fence, reason: stopReason(attempt) } },
      },
    ];
  }
  if (attempt.ranks[rank]?.state === 'pending')
    return [{ kind: 'start', id: commandId({ kind: 'start', runId, fence }) }];
  const { boundary } = attempt;
  if (rank !== 0 || boundary === null || boundary.acknowledged) return [];
  const id = commandId({ kind: 'boundary', runId, fence, sequence: boundary.sequence });
  const { checkpoint, stop, stopAtCheckpoint = false } = boundary;
  const value = { commandId: id, runId, fence, checkpoint, stop, stopAtCheckpoint };
  return [{ kind: 'send', id, body: { $case: 'requestBoundary', value } }];
}

/**
 * When a run ends as `numerics`, its last good checkpoint may still be on its way: the other ranks have this long to
 * hand over what they hold of it, and to report by themselves that they are done. The lease of an attempt that is over
 * is not renewed, and an agent that has lost its lease is told nothing: the stop must be sent well before that.
 */
const NUMERICS_PATIENCE_MS_MAX = 5_000;
const NUMERICS_PATIENCE_OF_LEASE = 1 / 4;

function mayStillReport({ state, failure, finishedAt }: AttemptStatus, { nowMs, leaseMs }: CommandTime): boolean {
  if (state !== 'failed' || failure?.class !== 'numerics' || finishedAt === null) return false;
  const patienceMs = Math.min(NUMERICS_PATIENCE_MS_MAX, leaseMs * NUMERICS_PATIENCE_OF_LEASE);
  return nowMs - finishedAt.getTime() < patienceMs;
}

export interface RankStart extends Pick<AttemptPlan, 'rank' | 'resume'> {
  /** Null if every peer is on this machine. */
  readonly credential: RankCredential | null;
}

/** The command that starts `rank`, with its plan. */
export function startCommand(
  commandId: string,
  attempt: AttemptRecord,
  { rank, resume, credential }: RankStart,
): ApiMessageBody {
  const { runId, fence, dataKey } = attempt;
  const {
    resumeFrom: _from,
    resumeCheckpointId: _id,
    predicted: _predicted,
    choices: planned,
    rankOfStage: _rankOfStage,
    oldestVersion: _oldestVersion,
    firstSample: _firstSample,
    updatesBefore: _updatesBefore,
    startDeadlineMs: _startDeadlineMs,
    ...gang
  } = attempt.plan;
  const expectedMs = expectedStepMs(attempt.plan);
  const expected = expectedMs === undefined ? {} : { expectedStepMs: expectedMs };
  const own = planned?.find(({ ranks }) => ranks.includes(rank));
  const choices = own === undefined ? {} : { choices: [...own.choices] };
  const plan: AttemptPlan = { ...gang, rank, dataKey, resume, ...expected, ...choices };
  const dataCredential = credential ?? undefined;
  return { $case: 'startAttempt', value: { commandId, runId, fence, planJson: JSON.stringify(plan), dataCredential } };
}

function stopReason({ state }: AttemptStatus): string {
  if (state === 'cancelled') return 'cancel';
  return state === 'lost' ? 'lost' : 'superseded';
}

function commandId(target: CommandTarget): string {
  const end = target.kind === 'boundary' ? `:${target.sequence}` : '';
  return `${target.kind}:${target.runId}:${target.fence}${end}`;
}

/** What the id of a command says; undefined if the id belongs to something else, such as a generation. */
export function parseCommandId(id: string): CommandTarget | undefined {
  const [kind, runId, fenceText, sequenceText] = id.split(':');
  const fence = Number(fenceText);
  if (runId === undefined || !Number.isSafeInteger(fence)) return undefined;
  if (kind === 'start' || kind === 'stop') return { kind, runId, fence };
  const sequence = Number(sequenceText);
  return kind === 'boundary' && Number.isSafeInteger(sequence) ? { kind, runId, fence, sequence } : undefined;
}
