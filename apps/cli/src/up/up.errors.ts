import { AppError, describeError } from '@millrace/core';

/** Another `millrace up` runs on the same home. */
export function homeInUse(home: string, pid: number): AppError {
  return new AppError({
    code: 'UP.HOME_IN_USE',
    kind: 'conflict',
    message: `${home} is in use by the \`millrace up\` with pid ${pid}; stop it, or give another folder with --home`,
  });
}

/** A port that was asked for is taken. */
export function portTaken(port: number, flag: string): AppError {
  return new AppError({
    code: 'UP.PORT_TAKEN',
    kind: 'conflict',
    message: `port ${port} on 127.0.0.1 is taken; choose another with ${flag}, or ${flag} 0 for any free one`,
  });
}

/** The cluster was stopped before it was up. */
export function startInterrupted(): AppError {
  return new AppError({ code: 'UP.INTERRUPTED', kind: 'aborted', message: 'the start was interrupted' });
}

export interface FailedLog {
  readonly path: string;
  readonly lastLines: readonly string[];
}

/** A part of the cluster did not start. */
export function partFailed(part: string, what: string, log: string | FailedLog): AppError {
  const { path, lastLines } = typeof log === 'string' ? { path: log, lastLines: [] } : log;
  const end = lastLines.length === 0 ? '' : `. The log ends with:\n${lastLines.join('\n')}`;
  return new AppError({
    code: 'UP.PART_FAILED',
    kind: 'unavailable',
    message: `${part} ${what}; its log is ${path}${end}`,
  });
}

/** There are no PostgreSQL binaries for this platform. */
export function postgresMissing(platform: string, cause: unknown): AppError {
  return new AppError({
    code: 'UP.POSTGRES_MISSING',
    kind: 'precondition',
    message:
      `there is no embedded PostgreSQL for ${platform} here; run \`npm run setup\`, ` +
      'or set DATABASE_URL to a PostgreSQL of your own',
    cause,
  });
}

/** initdb could not make the database's files. */
export function initialisationFailed(folder: string, cause: unknown): AppError {
  return new AppError({
    code: 'UP.DATABASE_NOT_MADE',
    kind: 'unavailable',
    message:
      `the database's files could not be made in ${folder}: ${lastWords(cause)}; ` +
      'mend that (is there space, and may this user write there?) and start again',
    cause,
  });
}

/** The user that runs us has a number but no name, as in a container with --user 12345; initdb refuses that. */
export function userWithoutName(uid: number, cause: unknown): AppError {
  return new AppError({
    code: 'UP.USER_WITHOUT_NAME',
    kind: 'precondition',
    message:
      `the embedded PostgreSQL needs a user with a name, and user id ${uid} has none here (${lastWords(cause)}); ` +
      'add a line for it to /etc/passwd, run as another user, or set DATABASE_URL to a PostgreSQL of your own',
    cause,
  });
}

/** The last words of a program that failed, or the error itself if the program said nothing. */
function lastWords(cause: unknown): string {
  const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
  return said.split('\n').at(-1) || describeError(cause);
}

/** The folder that should be deleted is not a left-over database. */
export function databaseNotHomeless(folder: string): AppError {
  const message = `${folder} is not a left-over database; \`millrace leftovers\` lists those that are`;
  return new AppError({ code: 'UP.DATABASE_NOT_HOMELESS', kind: 'invalid', message });
}

/** An older build made the database, and recorded no home; only the home's path tells whose it is. */
export function homeNotOfDatabase(folder: string, home: string | undefined): AppError {
  const why =
    home === undefined
      ? 'it is not recorded which home it is of'
      : `${home} is not the home that it was made for, or still leads to it`;
  const message = `${folder} is not deleted: ${why}; give the path of the home that is gone with --home`;
  return new AppError({ code: 'UP.HOME_NOT_OF_DATABASE', kind: 'invalid', message });
}

/** The database's server is running, although no home leads to it. */
export function databaseInUse(folder: string, pid: number): AppError {
  const message = `a PostgreSQL server with pid ${pid} runs on ${folder}; end the \`millrace up\` that it belongs to first`;
  return new AppError({ code: 'UP.DATABASE_IN_USE', kind: 'conflict', message });
}
