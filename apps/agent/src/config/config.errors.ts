import { AppError } from '@millrace/core';

export function configInvalid(problems: readonly string[]): AppError {
  const message = `the agent's settings are wrong: ${problems.join('; ')}`;
  return new AppError({ code: 'AGENT.CONFIG_INVALID', kind: 'invalid', message });
}

export function homeUnusable(folder: string, cause: unknown): AppError {
  const message = `cannot use the home ${folder}: make it writable for this user, or set MILLRACE_HOME to another folder`;
  return new AppError({ code: 'AGENT.HOME_UNUSABLE', kind: 'precondition', message, cause });
}

export function tokenFileUnreadable(path: string, cause: unknown): AppError {
  const message = `the token file ${path} cannot be read: let this user read it, or name another one`;
  return new AppError({ code: 'AGENT.TOKEN_FILE_UNREADABLE', kind: 'precondition', message, cause });
}

export function authorityUnreadable(path: string, cause: unknown): AppError {
  const message =
    `the certificate authority ${path} cannot be read: copy tls/ca.pem of the home of the API's machine there, ` +
    'or name another file with --ca or MILLRACE_TLS_CA';
  return new AppError({ code: 'AGENT.CA_UNREADABLE', kind: 'precondition', message, cause });
}
