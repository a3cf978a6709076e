import { isLossScaled } from '../precision/half-precision';
import { completeModel } from '../model/complete-model';
import type { FieldError } from '@millrace/core';
import { FLUSHLESS_SCHEDULES, type ScheduleName, scheduleTraits, VERTICAL_SYNC_SCHEDULES } from '@millrace/pipeline';
import type { RunSpec } from '../run-spec';

/** Each of their updates may add up several micro-batches. */
const ACCUMULATING = FLUSHLESS_SCHEDULES.filter((name) => !scheduleTraits(name).updatesEveryMicroBatch);

/** Whether each stage updates its weights by itself, without a barrier of all stages. */
export function isFlushless<P extends Pick<RunSpec['parallel'], 'schedule'>>(
  parallel: P,
): parallel is P & { readonly schedule: ScheduleName } {
  return !scheduleTraits(parallel.schedule).flushes;
}

/** Refuses, for an asynchronous schedule, everything that needs a moment at which all stages have the same version. */
export function flushlessRules(spec: RunSpec): FieldError[] {
  const { model, train, parallel } = spec;
  const { schedule, pp, dp, verticalSync } = parallel;
  const refused: (FieldError | false)[] = [
    verticalSync &&
      !scheduleTraits(schedule).verticalSync && {
        path: '/parallel/verticalSync',
        message: `belongs to schedule ${VERTICAL_SYNC_SCHEDULES.join(' or ')}, not ${schedule}; set it to false`,
      },
  ];
  if (isFlushless(parallel)) {
    refused.push(
      scheduleTraits(schedule).updatesEveryMicroBatch &&
        train.batch.global !== train.batch.micro * dp && {
          path: '/train/batch/global',
          message:
            `${schedule} updates after every micro-batch, so a step is one: ${train.batch.global} must be ` +
            `train.batch.micro * parallel.dp = ${train.batch.micro * dp}; ${ACCUMULATING.join(' and ')} adds up several`,
        },
      isLossScaled(spec) && {
        path: train.precision === 'f16' ? '/train/precision' : '/parallel/wire',
        message: `f16 skips steps that overflow on all stages at once, for which ${schedule} never waits; set it to f32`,
      },
      train.clip !== undefined && {
        path: '/train/clip',
        message: `clipping needs the norm of all stages, for which ${schedule} never waits; leave it out`,
      },
      completeModel(model).tieEmbeddings &&
        pp > 1 && {
          path: '/model/tieEmbeddings',
          message: `the first and the last of ${pp} stages hold different versions under ${schedule}; set it to false`,
        },
      train.evalEvery > 0 && {
        path: '/train/evalEvery',
        message: `${schedule} does not drain between steps; set it to 0 and validation comes at the end`,
      },
    );
  }
  return refused.filter((error) => error !== false);
}
