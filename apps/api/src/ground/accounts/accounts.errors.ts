import { AppError } from '@millrace/core';

export function userNotFound(id: string): AppError {
  return new AppError({ code: 'USER.NOT_FOUND', kind: 'not_found', message: `there is no user ${id}` });
}

export function userNameTaken(name: string): AppError {
  return new AppError({
    code: 'USER.NAME_TAKEN',
    kind: 'conflict',
    message: `there is already a user called ${name}; choose another name`,
    fields: [{ path: '/name', message: 'is taken' }],
  });
}

/** Without an admin nobody could undo the change. */
export function lastAdmin(name: string): AppError {
  return new AppError({
    code: 'USER.LAST_ADMIN',
    kind: 'conflict',
    message: `${name} is the last enabled admin; make another one first`,
  });
}

export function tokenNotFound(id: string): AppError {
  return new AppError({ code: 'TOKEN.NOT_FOUND', kind: 'not_found', message: `there is no valid token ${id}` });
}

/** Without such a token nobody could sign in to make another one. */
export function lastAdminToken(name: string): AppError {
  return new AppError({
    code: 'TOKEN.LAST_ADMIN',
    kind: 'conflict',
    message:
      `"${name}" is the last token in force that opens everything as an admin; make another one first, ` +
      'with scope * and no expiry (dashboard: Account, or POST /api/v1/tokens), and revoke this one with that',
  });
}

/** A token cannot make another one that may do more than itself, is valid for longer, or belongs to somebody else. */
export function tokenBeyondOwn(path: string, message: string): AppError {
  return new AppError({
    code: 'TOKEN.BEYOND_OWN',
    kind: 'forbidden',
    message: `the token cannot be made: ${path.slice(1)} ${message}`,
    fields: [{ path, message }],
  });
}

export function expiryPast(expiresAt: string): AppError {
  return new AppError({
    code: 'TOKEN.EXPIRY_PAST',
    kind: 'invalid',
    message: `expiresAt is ${expiresAt}, which is in the past; give a time in the future, or null`,
    fields: [{ path: '/expiresAt', message: 'must be in the future' }],
  });
}

export function projectNotFound(id: string): AppError {
  return new AppError({ code: 'PROJECT.NOT_FOUND', kind: 'not_found', message: `there is no project ${id}` });
}

export function projectNameTaken(name: string): AppError {
  return new AppError({
    code: 'PROJECT.NAME_TAKEN',
    kind: 'conflict',
    message: `there is already a project called ${name}; choose another name`,
    fields: [{ path: '/name', message: 'is taken' }],
  });
}

export function memberUnknown(userIds: readonly string[]): AppError {
  return new AppError({
    code: 'PROJECT.MEMBER_UNKNOWN',
    kind: 'invalid',
    message: `members: there is no user ${userIds.join(', ')}`,
    fields: [{ path: '/members', message: `there is no user ${userIds.join(', ')}` }],
  });
}

/** The owner of a join token may add an agent, but not take the place of an existing one. */
export function agentEnrolled(agentId: string): AppError {
  return new AppError({
    code: 'JOIN.AGENT_ENROLLED',
    kind: 'forbidden',
    message: `agent ${agentId} has a credential in force; revoke it and make a join token after that, or enrol with an admin's token`,
  });
}

export function agentRevoked(agentId: string, revokedAt: Date): AppError {
  return new AppError({
    code: 'JOIN.AGENT_REVOKED',
    kind: 'forbidden',
    message:
      `the credential of agent ${agentId} was revoked at ${revokedAt.toISOString()}, after this join token was made; ` +
      'if the agent may come back, make a new one with `millrace join-token`',
  });
}

export function joinTokenNotFound(id: string): AppError {
  const message = `there is no valid join token ${id}`;
  return new AppError({ code: 'JOIN.TOKEN_NOT_FOUND', kind: 'not_found', message });
}

export function joinTokenRevoked(revokedAt: Date): AppError {
  return new AppError({
    code: 'JOIN.TOKEN_REVOKED',
    kind: 'unauthenticated',
    message: `the join token was revoked at ${revokedAt.toISOString()}; make a new one with \`millrace join-token\``,
  });
}

export function joinTokenInvalid(): AppError {
  return new AppError({
    code: 'JOIN.TOKEN_INVALID',
    kind: 'unauthenticated',
    message: 'the token is neither a join token nor a valid admin token; make one with `millrace join-token`',
  });
}

/** `token` is the row as it is after the last use. */
export function joinTokenUsed(token: { usedAt: Date | null; agentId: string | null } | null): AppError {
  const last = token?.usedAt ? `, the last time by ${token.agentId} at ${token.usedAt.toISOString()}` : '';
  return new AppError({
    code: 'JOIN.TOKEN_USED',
    kind: 'unauthenticated',
    message:
      `the join token is used up${last}; make one for each agent with \`millrace join-token\`, ` +
      'or one for several with --uses',
  });
}

export function joinTokenExpired(expiresAt: Date): AppError {
  return new AppError({
    code: 'JOIN.TOKEN_EXPIRED',
    kind: 'unauthenticated',
    message:
      `the join token expired at ${expiresAt.toISOString()}; make a new one with \`millrace join-token\`, ` +
      'which takes --minutes',
  });
}
