import {
  type BriefRunBody,
  type ListedRunBody,
  type RunBody,
  startDeadlineMs,
  stepDeadlineMs,
} from '@millrace/contracts';
import { startingRanks } from '../../ledger/attempts/starting-ranks';
import { type AttemptRecord, expectedStepMs, isLive } from '../../ledger/runs/attempt-record';
import type { ListedAttempt } from '../../ledger/runs/attempts.repository';
import type { BriefRun, RunRecord } from '../../ledger/runs/run-record';

type AttemptBody = RunBody['attempts'][number];

/** A run as REST shows it. `attempts` are the run's own, oldest first; `nowMs` is the database's time. */
export function runBody(run: RunRecord, attempts: readonly AttemptRecord[], nowMs: number): RunBody {
  const live = attempts.findLast((attempt) => isLive(attempt.state));
  return {
    ...common(run),
    attempts: attempts.map(attemptBody),
    starting: live === undefined ? [] : startingRanks(live, nowMs),
    startDeadlineMs: live === undefined ? null : (live.plan.startDeadlineMs ?? startDeadlineMs()),
    stepDeadlineMs: live === undefined ? null : stepDeadlineMs({ expectedMs: expectedStepMs(live.plan) }),
    planComparison: attempts.findLast(({ comparison }) => comparison !== null)?.comparison?.told ?? null,
  };
}

/** A run as lists show it. */
export function listedRunBody(run: RunRecord, attempts: readonly ListedAttempt[]): ListedRunBody {
  return {
    ...common(run),
    attempts: attempts.map(({ id, fence, state, failure }) => ({ id, fence, state, failure })),
  };
}

/** A run as a row of a long table shows it. */
export function briefRunBody({ reason, createdAt, startedAt, finishedAt, ...run }: BriefRun): BriefRunBody {
  return {
    ...run,
    reason: reason && { code: reason.code, message: reason.message },
    createdAt: createdAt.toISOString(),
    startedAt: iso(startedAt),
    finishedAt: iso(finishedAt),
  };
}

function common(run: RunRecord): Omit<ListedRunBody, 'attempts'> {
  const { id, name, project, state, reason, step, spec } = run;
  return {
    id,
    name,
    project,
    state,
    reason,
    step,
    steps: spec.train.steps,
    spec,
    createdAt: run.createdAt.toISOString(),
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
  };
}

function attemptBody(attempt: AttemptRecord): AttemptBody {
  const { id, fence, state, failure, fromStep, plan } = attempt;
  const stages = plan.stages.map(({ firstLayer, layerCount }, stage) => {
    const rank = plan.rankOfStage[stage] ?? stage;
    return { rank, agent: plan.peers[rank]?.agentId ?? '', firstLayer, layerCount };
  });
  return {
    id,
    fence,
    state,
    failure,
    fromStep,
    stages,
    createdAt: attempt.createdAt.toISOString(),
    startedAt: iso(attempt.startedAt),
    finishedAt: iso(attempt.finishedAt),
    planComparison: attempt.comparison?.told ?? null,
  };
}

function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
