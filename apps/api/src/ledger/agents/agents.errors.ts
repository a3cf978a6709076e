import { AppError } from '@millrace/core';

export function agentNotFound(id: string): AppError {
  return new AppError({ code: 'AGENT.NOT_FOUND', kind: 'not_found', message: `there is no agent ${id}` });
}

export function agentCursorInvalid(): AppError {
  return new AppError({
    code: 'AGENT.CURSOR_INVALID',
    kind: 'invalid',
    message: 'the cursor is not one that this list gave; leave it out to start from the beginning',
    fields: [{ path: '/cursor', message: 'must be a nextCursor of the same list' }],
  });
}
