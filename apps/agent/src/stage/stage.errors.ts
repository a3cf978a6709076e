import { AppError } from '@millrace/core';

/** A loss or a gradient norm that is no number: nothing is updated, and the last good checkpoint stays. */
export function numericsFailed(step: number, what: string, value: number): AppError {
  const message = `${what} of step ${step} is ${value}: take a smaller learning rate, clipping (train.clip) or a warm-up (train.lr.warmup)`;
  return new AppError({ code: 'STAGE.NUMERICS', kind: 'aborted', message, details: { step } });
}

export function weightMissing(name: string, kind: string): AppError {
  const message = `the checkpoint has no ${kind} of ${name}: it belongs to another model`;
  return new AppError({ code: 'STAGE.WEIGHT_MISSING', kind: 'invalid', message, details: { name, kind } });
}

export function weightWrongSize(name: string, expected: number, got: number): AppError {
  const message = `${name} of the checkpoint has ${got} elements and the model ${expected}`;
  return new AppError({ code: 'STAGE.WEIGHT_WRONG_SIZE', kind: 'invalid', message, details: { name, expected, got } });
}

export function frameWrongSize(what: string, expected: number, got: number): AppError {
  const message = `${what} has ${got} elements where ${expected} were due: the peers do not run the same plan`;
  return new AppError({ code: 'STAGE.FRAME_WRONG_SIZE', kind: 'internal', message });
}
