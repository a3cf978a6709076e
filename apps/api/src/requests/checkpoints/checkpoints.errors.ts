import { AppError } from '@millrace/core';

/** The run that uses it is told, so that one knows what to wait for. */
export function checkpointInUse(id: string, runId: string, how: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.IN_USE',
    kind: 'conflict',
    message: `checkpoint ${id} is needed by run ${runId}, which ${how}; delete it when that run is over`,
    details: { runId },
  });
}
