import { AppError } from '@millrace/core';

export function headerFirst(): AppError {
  return new AppError({
    code: 'BLOB.HEADER_FIRST',
    kind: 'invalid',
    message: 'the first message of Put must be the header, and only that one',
  });
}

export function headerInvalid(field: string, reason: string): AppError {
  return new AppError({
    code: 'BLOB.HEADER_INVALID',
    kind: 'invalid',
    message: `the header of Put is not accepted: ${field} ${reason}`,
    fields: [{ path: `/${field}`, message: reason }],
  });
}

export function blockTooLarge(bytes: number, bytesMax: number): AppError {
  return new AppError({
    code: 'BLOB.BLOCK_TOO_LARGE',
    kind: 'too_large',
    message: `a block of ${bytes} bytes is above the limit of ${bytesMax}`,
  });
}

export function lengthDiffers(receivedBytes: number, bytes: number): AppError {
  return new AppError({
    code: 'BLOB.LENGTH_DIFFERS',
    kind: 'invalid',
    message: `${receivedBytes} bytes came for a block of ${bytes}; send it again`,
  });
}

export function blockOfOthers(agentId: string, runId: string, fence: number): AppError {
  return new AppError({
    code: 'BLOB.NOT_A_MEMBER',
    kind: 'forbidden',
    message: `${agentId} is no rank of fence ${fence} of ${runId}, so it may store nothing for it`,
  });
}

export function checkpointGivenUp(runId: string, step: number): AppError {
  return new AppError({
    code: 'BLOB.CHECKPOINT_GIVEN_UP',
    kind: 'exhausted',
    message: `the checkpoint of step ${step} of ${runId} was given up, because one of its ranks could not store its part`,
  });
}
