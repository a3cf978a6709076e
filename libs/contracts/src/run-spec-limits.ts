import type { FieldError } from '@millrace/core';
import type { RunSpec } from './run-spec';

interface Limit {
  readonly path: string;
  readonly met: (spec: RunSpec) => boolean;
  readonly message: string;
}

/** What a run spec can say but this build cannot do. An entry is removed when its feature is added. */
const LIMITS: readonly Limit[] = [
  {
    path: '/parallel/dp',
    met: ({ parallel }) => parallel.dp === 1,
    message: 'data parallelism is not in this build; set it to 1',
  },
  {
    path: '/parallel/tp',
    met: ({ parallel }) => parallel.tp === 1,
    message: 'tensor parallelism is not in this build; set it to 1',
  },
];

export function notInThisBuild(spec: RunSpec): FieldError[] {
  return LIMITS.filter(({ met }) => !met(spec)).map(({ path, message }) => ({ path, message }));
}
