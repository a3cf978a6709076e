import { AppError } from '@millrace/core';

export interface NotFinite {
  readonly what: string;
  readonly value: number;
  /** The first parameter, in the model's order, whose gradient is too large to be squared, or not finite. */
  readonly firstBad?: string | undefined;
  /** So many steps in a row were skipped with the smallest loss scale. */
  readonly skippedCount?: number | undefined;
}

/** A loss or a gradient norm is not finite: no rank updates, and the last good checkpoint stays. */
export function numericsFailed(step: number, { what, value, firstBad, skippedCount }: NotFinite): AppError {
  const where =
    firstBad === undefined ? '' : `, and the first gradient whose squares are not finite is that of ${firstBad}`;
  const again =
    skippedCount === undefined ? '' : `, as in the ${skippedCount - 1} steps before, at the smallest loss scale`;
  const message = `${what} of step ${step} is ${value}${where}${again}: take a smaller learning rate, clipping (train.clip) or a warm-up (train.lr.warmup)`;
  return new AppError({
    code: 'STAGE.NUMERICS',
    kind: 'aborted',
    message,
    details: { step, ...(firstBad === undefined ? {} : { firstBad }) },
  });
}

export function weightMissing(name: string, kind: string): AppError {
  const message = `the checkpoint has no ${kind} of ${name}: it belongs to another model`;
  return new AppError({ code: 'STAGE.WEIGHT_MISSING', kind: 'invalid', message, details: { name, kind } });
}

export function weightWrongSize(name: string, expected: number, got: number): AppError {
  const message = `${name} of the checkpoint has ${got} elements where the model has ${expected}`;
  return new AppError({ code: 'STAGE.WEIGHT_WRONG_SIZE', kind: 'invalid', message, details: { name, expected, got } });
}

export function frameWrongSize(what: string, expected: number, got: number): AppError {
  const message = `${what} has ${got} elements where ${expected} were due: the peers do not run the same plan`;
  return new AppError({ code: 'STAGE.FRAME_WRONG_SIZE', kind: 'internal', message });
}

export function frameWrongType(what: string, due: string, got: string): AppError {
  const message = `${what} is ${got} where ${due} was due: the peers do not run the same plan, or not the same build`;
  return new AppError({ code: 'STAGE.FRAME_WRONG_TYPE', kind: 'internal', message });
}

export function peerTokenInvalid(what: string, token: number, vocab: number): AppError {
  const message = `${what} is the token ${token}, but the model has a vocabulary of ${vocab}: the peers do not run the same plan`;
  return new AppError({ code: 'STAGE.TOKEN_INVALID', kind: 'internal', message });
}

export interface StepTimeout {
  readonly step: number;
  readonly tookMs: number;
  readonly expectedMs: number | undefined;
  readonly rank: number;
  /** Left out if the rank's own device does not finish its work. */
  readonly wait?: { readonly forRank: number; readonly what: string };
}

/** The step takes many times as long as it should. `rank` in the details is the one that stands still. */
export function stepTimedOut({ step, tookMs, expectedMs, rank, wait }: StepTimeout): AppError {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const expected =
    expectedMs === undefined ? 'nobody knew how long it would take' : `${seconds(expectedMs)} were expected`;
  const stands =
    wait === undefined
      ? `the device of rank ${rank} does not finish its work: look at its driver's log, or restart its machine`
      : `rank ${rank} waits at ${wait.what} for rank ${wait.forRank}, which sends nothing: look at the log of its agent`;
  return new AppError({
    code: 'STAGE.TIMED_OUT',
    kind: 'unavailable',
    message: `step ${step} has taken ${seconds(tookMs)} where ${expected}; ${stands}`,
    details: { step, rank: wait?.forRank ?? rank },
  });
}
