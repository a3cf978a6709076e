import type { FieldError } from '@millrace/core';
import { modelRules } from './model/model-rules';
import { flushlessRules } from './schedule/flushless-rules';
import type { RunSpec } from './run-spec';
import { chunksPerRank } from './schedule/schedule-request';

type Rule = (spec: RunSpec) => FieldError | undefined;

const divides = (a: number, b: number): boolean => b % a === 0;

/** Combinations that no build can run. Each rule names one field, the numbers that clash and what to change. */
const RULES: readonly Rule[] = [
  ({ train, parallel }) =>
    divides(train.batch.micro * parallel.dp, train.batch.global)
      ? undefined
      : {
          path: '/train/batch/global',
          message: `${train.batch.global} is not a multiple of train.batch.micro * parallel.dp = ${train.batch.micro} * ${parallel.dp}`,
        },
  ({ model, parallel }) => {
    const stages = parallel.pp * chunksPerRank(parallel);
    if (parallel.partition !== 'auto' || stages <= model.layers) return undefined;
    return {
      path: '/parallel/pp',
      message: `${parallel.pp} ranks of ${chunksPerRank(parallel)} chunks make ${stages} stages, more than model.layers = ${model.layers}; lower parallel.pp`,
    };
  },
  ({ parallel }) => {
    const stages = parallel.pp * chunksPerRank(parallel);
    if (parallel.partition === 'auto' || parallel.partition.length === stages) return undefined;
    return {
      path: '/parallel/partition',
      message: `has ${parallel.partition.length} entries; parallel.pp * chunks per rank = ${stages} are needed`,
    };
  },
  ({ model, parallel }) => {
    if (parallel.partition === 'auto') return undefined;
    const sum = parallel.partition.reduce((a, b) => a + b, 0);
    return sum === model.layers
      ? undefined
      : { path: '/parallel/partition', message: `adds up to ${sum} layers; model.layers = ${model.layers}` };
  },
  ({ parallel }) => {
    if (parallel.partition === 'auto') return undefined;
    const inner = parallel.partition.slice(1, -1);
    return inner.includes(0)
      ? { path: '/parallel/partition', message: 'has an empty stage in the middle; zeros are allowed only at the ends' }
      : undefined;
  },
  ({ train }) =>
    train.lr.schedule === 'cosine' && train.lr.warmup >= train.steps
      ? {
          path: '/train/lr/warmup',
          message: `${train.lr.warmup} steps of warm-up leave none of train.steps = ${train.steps} for the cosine`,
        }
      : undefined,
  ({ train }) =>
    train.lr.min !== undefined && train.lr.min > train.optimizer.lr
      ? {
          path: '/train/lr/min',
          message: `${train.lr.min} is above the peak train.optimizer.lr = ${train.optimizer.lr}`,
        }
      : undefined,
];

export function impossibleCombinations(spec: RunSpec): FieldError[] {
  const errors = RULES.map((rule) => rule(spec)).filter((error) => error !== undefined);
  return [...modelRules(spec.model), ...errors, ...flushlessRules(spec)];
}
