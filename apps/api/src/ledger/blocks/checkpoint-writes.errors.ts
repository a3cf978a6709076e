import { AppError } from '@millrace/core';

export function partInvalid(reason: string, cause?: unknown): AppError {
  return new AppError({
    code: 'CHECKPOINT.PART_INVALID',
    kind: 'invalid',
    message: `a rank's part of a checkpoint is not accepted: ${reason}`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** More agents report parts of checkpoints at the same time than may wait; they report them again. */
export function reportsBusy(waitingMax: number): AppError {
  return new AppError({
    code: 'CHECKPOINT.REPORTS_BUSY',
    kind: 'unavailable',
    message: `${waitingMax} reports of checkpoints wait to be read already: send the report again in a moment`,
  });
}

/** The ranks' parts together are not the whole model. */
export function partsIncomplete(step: number, reason: string): AppError {
  return new AppError({
    code: 'CHECKPOINT.PARTS_INCOMPLETE',
    kind: 'internal',
    message: `the parts of the checkpoint of step ${step} do not make the model: ${reason}`,
  });
}

export function blocksMissing(step: number, missing: readonly string[]): AppError {
  return new AppError({
    code: 'CHECKPOINT.BLOCKS_MISSING',
    kind: 'internal',
    message: `${missing.length} blocks of the checkpoint of step ${step} are not in the store, ${missing[0]} among them`,
    details: { missing: missing.slice(0, 10) },
  });
}

/** A piece of a tensor ends beyond the end of its block. */
export function pieceBeyondBlock(
  step: number,
  { sha256, endBytes, sizeBytes }: { sha256: string; endBytes: number; sizeBytes: number },
): AppError {
  return new AppError({
    code: 'CHECKPOINT.PIECE_BEYOND_BLOCK',
    kind: 'internal',
    message: `a tensor of the checkpoint of step ${step} ends at byte ${endBytes} of block ${sha256}, which has ${sizeBytes}`,
  });
}

export function checkpointNotFound(id: string): AppError {
  return new AppError({ code: 'CHECKPOINT.NOT_FOUND', kind: 'not_found', message: `there is no checkpoint ${id}` });
}

/** The answer is the same whether or not the blob exists: a caller who may not read it need not know. */
export function blobOfOthers(agentId: string, sha256: string): AppError {
  return new AppError({
    code: 'BLOB.NOT_READABLE',
    kind: 'forbidden',
    message: `${agentId} may read only what its own attempt needs, and ${sha256.slice(0, 64)} is not part of that`,
  });
}
