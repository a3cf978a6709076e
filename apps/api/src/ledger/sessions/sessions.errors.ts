import { AppError } from '@millrace/core';

export function registerFirst(): AppError {
  return new AppError({
    code: 'SESSION.REGISTER_FIRST',
    kind: 'precondition',
    message: 'the first message of a session must be `register`, and there may be only one',
  });
}

export function registrationInvalid(field: string, reason: string): AppError {
  return new AppError({
    code: 'SESSION.REGISTRATION_INVALID',
    kind: 'invalid',
    message: `the registration is not accepted: ${field} ${reason}`,
    fields: [{ path: `/${field}`, message: reason }],
  });
}

/** A newer session of the same agent took over; this one has no effect any more. */
export function sessionSuperseded(agentId: string, epoch: number): AppError {
  return new AppError({
    code: 'SESSION.SUPERSEDED',
    kind: 'aborted',
    message: `session ${epoch} of ${agentId} was superseded by a newer one`,
  });
}

export function sessionTooSlow(agentId: string, messageCountMax: number): AppError {
  return new AppError({
    code: 'SESSION.TOO_SLOW',
    kind: 'exhausted',
    message: `${agentId} does not read its messages: ${messageCountMax} are waiting; open a new session`,
  });
}

export function sessionSilent(agentId: string, silentMs: number): AppError {
  return new AppError({
    code: 'SESSION.SILENT',
    kind: 'unavailable',
    message: `${agentId} has sent no heartbeat for ${silentMs / 1000} s; open a new session`,
  });
}

export function sessionEnding(): AppError {
  return new AppError({ code: 'SESSION.ENDING', kind: 'unavailable', message: 'the API is shutting down; dial again' });
}

/** A message could not be stored; the agent sends it again in its next session. */
export function sessionBroken(cause: unknown): AppError {
  return new AppError({
    code: 'SESSION.BROKEN',
    kind: 'unavailable',
    cause,
    message: 'a message could not be stored; dial again and send what was not acknowledged',
  });
}

/** What an agent says is stored for long or shown to people, so that everything in it has a bound. */
export function messageInvalid(field: string, reason: string): AppError {
  return new AppError({
    code: 'SESSION.MESSAGE_INVALID',
    kind: 'invalid',
    message: `the message is not accepted: ${field} ${reason}`,
    fields: [{ path: `/${field.replaceAll('.', '/')}`, message: reason }],
  });
}
