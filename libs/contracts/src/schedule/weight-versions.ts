import type { AttemptPlan, ManifestDocument, WeightVersionsDocument } from '../attempt-plan';
import { isFlushless } from './flushless-rules';
import { scheduleRequest } from './schedule-request';

type Versioned = Pick<AttemptPlan, 'spec' | 'stages' | 'firstStep'>;

/** What a checkpoint stores about an asynchronous attempt's weight versions; undefined where every step flushes. */
export function weightVersionsOf({ spec, stages }: Versioned, since: number): WeightVersionsDocument | undefined {
  const { parallel } = spec;
  if (!isFlushless(parallel)) return undefined;
  const { schedule } = parallel;
  const { verticalSync, microBatches } = scheduleRequest(spec);
  const layersPerStage = stages.map(({ layerCount }) => layerCount);
  return { schedule, verticalSync, microBatches, layersPerStage, since };
}

/**
 * The oldest weight version that an attempt can use: that of the step before its first. If it continues from a
 * checkpoint of the same schedule and split, it uses that checkpoint's versions.
 */
export function oldestWeightVersion(plan: Versioned, from: ManifestDocument | undefined): number {
  const held = from?.weightVersions;
  const own = held && weightVersionsOf(plan, held.since);
  const same =
    own !== undefined && Object.entries(own).every(([key, value]) => `${value}` === `${held?.[key as 'since']}`);
  return same ? own.since : plan.firstStep - 1;
}
