import { AppError } from '@millrace/core';

export function configInvalid(problems: readonly string[]): AppError {
  const message = `the agent's settings are wrong: ${problems.join('; ')}`;
  return new AppError({ code: 'AGENT.CONFIG_INVALID', kind: 'invalid', message });
}

export function homeUnusable(folder: string, cause: unknown): AppError {
  const message = `cannot use the home ${folder}: make it writable for this user, or set MILLRACE_HOME to another folder`;
  return new AppError({ code: 'AGENT.HOME_UNUSABLE', kind: 'precondition', message, cause });
}
