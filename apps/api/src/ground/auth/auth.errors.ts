import { AppError } from '@millrace/core';

export function tokenMissing(): AppError {
  return new AppError({
    code: 'AUTH.TOKEN_MISSING',
    kind: 'unauthenticated',
    message:
      'a bearer token is needed; send "Authorization: Bearer TOKEN" (the token is in the file `token` of the home)',
  });
}

/** A revoked token gets the same answer: whoever holds it need not learn that it was once valid. */
export function tokenUnknown(): AppError {
  return new AppError({
    code: 'AUTH.TOKEN_UNKNOWN',
    kind: 'unauthenticated',
    message: 'the bearer token is not known or was revoked; use the one in the file `token` of the home',
  });
}

export function tokenExpired(expiresAt: Date): AppError {
  return new AppError({
    code: 'AUTH.TOKEN_EXPIRED',
    kind: 'unauthenticated',
    message: `the token expired at ${expiresAt.toISOString()}; make a new one`,
  });
}

export function userDisabled(name: string): AppError {
  return new AppError({
    code: 'AUTH.USER_DISABLED',
    kind: 'unauthenticated',
    message: `user ${name} is disabled; an admin can enable it again`,
  });
}

/** The token is still valid, but may do less than before. */
export function rightsLost(): AppError {
  return new AppError({
    code: 'AUTH.RIGHTS_LOST',
    kind: 'unavailable',
    message: 'the token may do less than when this was opened; open it again with what it may do now',
  });
}

export function sessionUnknown(): AppError {
  return new AppError({
    code: 'AUTH.SESSION_UNKNOWN',
    kind: 'unauthenticated',
    message: 'the session is over; sign in again with a token',
  });
}

/** A request with a cookie that may have been caused by another site. */
export function originForbidden(origin: string | undefined, host: string): AppError {
  return new AppError({
    code: 'AUTH.ORIGIN_FORBIDDEN',
    kind: 'forbidden',
    message: `a change under a session cookie must come from this site: Origin is ${origin ?? 'missing'}, the host is ${host}`,
  });
}

export function roleForbidden(role: string, needed: string): AppError {
  return new AppError({
    code: 'AUTH.ROLE_FORBIDDEN',
    kind: 'forbidden',
    message: `a token of role ${role} may not do this; use one of role ${needed}`,
  });
}

export function scopeForbidden(scope: readonly string[], needed: string): AppError {
  return new AppError({
    code: 'AUTH.SCOPE_FORBIDDEN',
    kind: 'forbidden',
    message: `the token's scope is ${scope.join(', ')}; this needs ${needed}`,
  });
}

export function projectForbidden(user: string, project: string): AppError {
  return new AppError({
    code: 'AUTH.PROJECT_FORBIDDEN',
    kind: 'forbidden',
    message: `user ${user} is not a member of project ${project}; an admin can add the user`,
  });
}

/** An agent's credential opens only the sessions of that agent. */
export function agentForbidden(given: string, own: string): AppError {
  return new AppError({
    code: 'AUTH.AGENT_FORBIDDEN',
    kind: 'forbidden',
    message: `the credential is that of ${own} and cannot register ${given}; enrol that one with a join token`,
  });
}
