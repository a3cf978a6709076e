import type { AppError } from '@millrace/core';
import type { PendingReason } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { PlannableRun } from '../plans/run-shapes.service';
import type { PlannedPlacement } from './placement-planner.service';
import { memoryExhausted } from './scheduling.errors';

/** An agent that is away for longer is not waited for. For this long, an agent trains on without an API. */
const AWAY_MS_MAX = 15 * 60_000;

interface Outlook extends Pick<PlannedPlacement, 'arrangements' | 'nowMs'> {
  readonly reason: PendingReason;
  readonly agents: readonly AgentWithLease[];
}

/**
 * Why a run that ran out of memory cannot go on: what its devices did not hold leaves no plan, and no other device is
 * about to come back. Undefined while waiting may help. A run that never ran out of memory waits for a larger device:
 * of this one a device is known to be too small for what the user asked.
 */
export function memoryExhaustion(
  { id, spec, memoryLimits }: PlannableRun,
  { arrangements, nowMs, reason, agents }: Outlook,
): AppError | undefined {
  if (memoryLimits === undefined || reason.code !== 'CONSTRAINTS_UNSATISFIABLE' || !arrangements.fitsNone(id)) return;
  const mayReturn = agents.some((agent) => {
    const isAway = !agent.isHere && nowMs - agent.lastSeenAt.getTime() < AWAY_MS_MAX;
    return (isAway || agent.setAside !== null) && !memoryLimits.has(agent.id);
  });
  if (mayReturn) return;
  const limits = [...memoryLimits].map(([agentId, bytes]) => {
    const agent = agents.find((each) => each.id === agentId);
    return { name: agent === undefined ? agentId : `${agent.host}:${agent.device}`, bytes };
  });
  return memoryExhausted(id, spec, limits);
}
