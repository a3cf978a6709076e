import { AppError } from '@millrace/core';

/** Sizes of a model or of a split do not fit together. */
export function modelShapeError(what: string, change: string): AppError {
  return new AppError({ code: 'MODEL.SHAPE', kind: 'invalid', message: `${what}; ${change}` });
}

/** A checkpoint or a plan comes from another build. */
export function familyUnknown(family: string, known: readonly string[]): AppError {
  const message = `this build has no model family "${family}"; it has ${known.join(', ')}`;
  return new AppError({ code: 'MODEL.FAMILY_UNKNOWN', kind: 'invalid', message });
}

export function scheduleError(what: string, change: string): AppError {
  return new AppError({ code: 'MODEL.LEARNING_RATE', kind: 'invalid', message: `${what}; ${change}` });
}
