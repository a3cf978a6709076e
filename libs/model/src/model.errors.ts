import { AppError } from '@millrace/core';

/** Sizes of a model or of a split do not fit together. */
export function modelShapeError(what: string, change: string): AppError {
  return new AppError({ code: 'MODEL.SHAPE', kind: 'invalid', message: `${what}; ${change}` });
}

export function scheduleError(what: string, change: string): AppError {
  return new AppError({ code: 'MODEL.LEARNING_RATE', kind: 'invalid', message: `${what}; ${change}` });
}
