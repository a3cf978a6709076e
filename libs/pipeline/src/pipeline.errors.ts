import { AppError } from '@millrace/core';

const invalid = (code: string, message: string, path?: string): AppError =>
  new AppError({ code: `PIPELINE.${code}`, kind: 'invalid', message, fields: path ? [{ path, message }] : [] });

/** The text of a cell does not follow the grammar. */
export function actionMalformed(text: string): AppError {
  return invalid(
    'ACTION_MALFORMED',
    `"${text.slice(0, 40)}" is not an action: write [stage][F|I|W|B|SEND_F|RECV_F|SEND_B|RECV_B][micro-batch], ` +
      'such as 2F0, or [stage]REDUCE or [stage]STEP',
  );
}

/** This build has no schedule of that name. */
export function scheduleUnknown(name: string, known: readonly string[]): AppError {
  const message = `schedule "${name}" is not available: use one of ${known.join(', ')}`;
  return invalid('SCHEDULE_UNKNOWN', message, '/parallel/schedule');
}

export function scheduleSizeInvalid(
  ranks: number,
  microBatches: number,
  limits: { maxRanks: number; maxCells: number },
): AppError {
  return invalid(
    'SIZE_INVALID',
    `${ranks} ranks and ${microBatches} micro-batches make no schedule: both must be whole numbers of at least 1, ` +
      `ranks at most ${limits.maxRanks} and ranks * chunks * micro-batches at most ${limits.maxCells}`,
    '/parallel/pp',
  );
}

export function chunksUnsupported(name: string, chunks: number, allowed: string): AppError {
  const message = `schedule ${name} takes ${allowed} chunks per rank, not ${chunks}`;
  return invalid('CHUNKS_UNSUPPORTED', message, '/parallel/chunks');
}

/** The schedule does not know the given option, or the option cannot have the given value. */
export function optionUnused(option: string, reason: string): AppError {
  return invalid('OPTION_UNUSED', `${option}: ${reason}`, `/parallel/${option}`);
}

/** `lowerSchedule` was given a schedule that already has sends and receives. */
export function alreadyLowered(name: string): AppError {
  return invalid('ALREADY_LOWERED', `schedule ${name} has its sends and receives already: lower the compute-only one`);
}

/** Something that needs sends and receives was given a compute-only schedule. */
export function notLowered(name: string): AppError {
  return invalid('NOT_LOWERED', `schedule ${name} has no sends and receives yet: lower it first`);
}

/** There is no moment at which every rank has done exactly that many updates. */
export function cutImpossible(name: string, version: number): AppError {
  return invalid('CUT_IMPOSSIBLE', `schedule ${name} has no state after ${version} updates of every rank`);
}

export function timesInvalid(message: string): AppError {
  return invalid('TIMES_INVALID', message);
}

export function csvInvalid(message: string, cause?: unknown): AppError {
  const fields = [{ path: '/parallel/scheduleCsv', message }];
  return new AppError({ code: 'PIPELINE.CSV_INVALID', kind: 'invalid', message, fields, cause });
}

export function partitionImpossible(message: string): AppError {
  return invalid('PARTITION_IMPOSSIBLE', message, '/parallel/pp');
}

/** A rank did not do what the plan says. This is a bug or a stale plan, so that the step must not count. */
export function logDiffers(message: string, details: Readonly<Record<string, unknown>>): AppError {
  return new AppError({ code: 'PIPELINE.LOG_DIFFERS', kind: 'aborted', message, details });
}
