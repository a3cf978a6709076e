import { isFlushless, scheduleRequest } from '@millrace/contracts';
import { type ParameterDeclaration, stageParameters } from '@millrace/model';
import { weightUpdates, weightVersionsKept } from '@millrace/pipeline';
import type { StoredPlan } from '../../runs/attempt-record';

/** A weight that was the newest one that many updates ago. */
export interface OlderVersion extends ParameterDeclaration {
  readonly kind: `weight-${number}`;
}

/**
 * What a checkpoint of `step` holds beside the newest weights: every version that its stage still uses by the
 * schedule's formula, the youngest first. There are none where every step flushes.
 */
export function olderVersions(plan: StoredPlan, step: number): OlderVersion[] {
  const { oldestVersion } = plan;
  const { parallel } = plan.spec;
  if (oldestVersion === undefined || !isFlushless(parallel)) return [];
  const updates = weightUpdates(parallel.schedule, scheduleRequest(plan.spec));
  return plan.stages.flatMap((slice, stage) => {
    const rank = plan.rankOfStage[stage] ?? 0;
    const kept = weightVersionsKept({ updates, ranks: parallel.pp, rank });
    const ages = Array.from({ length: Math.min(kept - 1, step - oldestVersion) }, (_, index) => index + 1);
    return ages.flatMap((age) =>
      stageParameters(plan.model, slice).map((parameter) => ({ kind: `weight-${age}` as const, ...parameter })),
    );
  });
}
