import { AppError, type FieldError } from '@millrace/core';

export function runNotFound(id: string): AppError {
  return new AppError({ code: 'RUN.NOT_FOUND', kind: 'not_found', message: `there is no run ${id}` });
}

/** The run's state does not allow what was asked. */
export function runStateConflict(id: string, state: string, action: string): AppError {
  return new AppError({
    code: 'RUN.STATE_CONFLICT',
    kind: 'conflict',
    message: `run ${id} is ${state}, so it cannot ${action}`,
    details: { state },
  });
}

export function runInUse(id: string, state: string): AppError {
  return new AppError({
    code: 'RUN.IN_USE',
    kind: 'conflict',
    message: `run ${id} is ${state}; cancel it and wait until its devices are released before deleting it`,
    details: { state },
  });
}

export function runCheckpointInUse(id: string, userId: string): AppError {
  return new AppError({
    code: 'RUN.CHECKPOINT_IN_USE',
    kind: 'conflict',
    message: `run ${id} has a checkpoint that run ${userId} starts from; delete it when ${userId} is over`,
  });
}

/** The spec is well formed, but what it refers to does not exist or does not fit. */
export function specUnfit(fields: readonly FieldError[]): AppError {
  const list = fields.map(({ path, message }) => `${path.slice(1).replaceAll('/', '.')}: ${message}`);
  return new AppError({
    code: 'RUN.SPEC_UNFIT',
    kind: 'invalid',
    message: `the run cannot be started: ${list.join('; ')}`,
    fields,
  });
}

export function runCursorInvalid(): AppError {
  return new AppError({
    code: 'RUN.CURSOR_INVALID',
    kind: 'invalid',
    message: 'the cursor is not one that this list gave; leave it out to start from the beginning',
    fields: [{ path: '/cursor', message: 'must be a nextCursor of the same list' }],
  });
}

/**
 * The kind is not `unavailable`, at which clients try again by themselves: the same search would take as long again.
 */
export function runSearchTimeout(limitMs: number, cause: unknown): AppError {
  return new AppError({
    code: 'RUN.SEARCH_TIMEOUT',
    kind: 'exhausted',
    cause,
    message:
      `the search took longer than ${limitMs} ms and was stopped; ` +
      'add a state or a name, ask for fewer runs (limit), or search later',
  });
}
