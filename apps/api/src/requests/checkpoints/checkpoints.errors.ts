import { AppError } from '@millrace/core';

/** Thrown before anything of the file is stored. */
export function headsImpossible(heads: number, hidden: number): AppError {
  const message = `a model of width ${hidden} with these tensors cannot have ${heads} heads: give the number that it was made with`;
  const fields = [{ path: '/heads', message: `${heads} does not fit the shapes of the tensors` }];
  return new AppError({ code: 'CHECKPOINT.HEADS_IMPOSSIBLE', kind: 'invalid', message, fields });
}

/** The message names the run that uses the checkpoint, so that one knows what to wait for. */
export function checkpointInUse(id: string, runId: string, how: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.IN_USE',
    kind: 'conflict',
    message: `checkpoint ${id} is needed by run ${runId}, which ${how}; delete it when that run is over`,
    details: { runId },
  });
}
