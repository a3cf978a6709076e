import type { FieldError } from '@millrace/core';
import { type ScheduleName, scheduleTraits } from '@millrace/pipeline';
import type { RunSpec } from '../run-spec';

/** Whether the weights of each stage change by themselves, without a barrier of all stages. */
export function isFlushless<P extends Pick<RunSpec['parallel'], 'schedule'>>(
  parallel: P,
): parallel is P & { readonly schedule: ScheduleName } {
  return !scheduleTraits(parallel.schedule).flushes;
}

/** What needs a moment at which all stages have the same version, and so does not go with an asynchronous schedule. */
export function flushlessRules(spec: RunSpec): FieldError[] {
  const { model, train, parallel } = spec;
  const { schedule, pp, dp, verticalSync } = parallel;
  const refused: (FieldError | false)[] = [
    verticalSync &&
      schedule !== 'pipedream' && {
        path: '/parallel/verticalSync',
        message: `belongs to schedule pipedream, not ${schedule}; set it to false`,
      },
  ];
  if (isFlushless(parallel)) {
    refused.push(
      schedule === 'pipedream' &&
        train.batch.global !== train.batch.micro * dp && {
          path: '/train/batch/global',
          message:
            `pipedream updates after every micro-batch, so a step is one: ${train.batch.global} must be ` +
            `train.batch.micro * parallel.dp = ${train.batch.micro * dp}; pipedream-2bw adds up several`,
        },
      train.clip !== undefined && {
        path: '/train/clip',
        message: `clipping needs the norm of all stages, for which ${schedule} never waits; leave it out`,
      },
      model.tieEmbeddings &&
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
