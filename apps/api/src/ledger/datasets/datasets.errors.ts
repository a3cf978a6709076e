import { AppError } from '@millrace/core';

export function datasetNotFound(id: string): AppError {
  return new AppError({ code: 'DATASET.NOT_FOUND', kind: 'not_found', message: `there is no dataset ${id}` });
}

export function datasetNameTaken(name: string): AppError {
  return new AppError({
    code: 'DATASET.NAME_TAKEN',
    kind: 'conflict',
    message: `there is already a dataset called ${name}; choose another name or delete that one`,
    fields: [{ path: '/name', message: 'is taken' }],
  });
}

export function datasetInUse(id: string, runId: string, runCount: number): AppError {
  return new AppError({
    code: 'DATASET.IN_USE',
    kind: 'conflict',
    message: `dataset ${id} is in use: run ${runId} reads it (${runCount} in all); delete what reads it first`,
    details: { runCount },
  });
}

/** The dataset's row exists, but its file cannot be read. */
export function datasetFileUnreadable(id: string, cause: unknown): AppError {
  return new AppError({
    code: 'DATASET.FILE_UNREADABLE',
    kind: 'unavailable',
    cause,
    message: `the token file of dataset ${id} cannot be read; check the folder of MILLRACE_BLOBS`,
  });
}
