import { AppError } from '@millrace/core';

/** Neither a block nor a token file has this hash. */
export function blobNotFound(sha256: string): AppError {
  return new AppError({ code: 'BLOB.NOT_FOUND', kind: 'not_found', message: `no blob has the hash ${sha256}` });
}

/** The disk is nearly full. */
export function diskNearlyFull(neededBytes: number, freeBytes: number): AppError {
  return new AppError({
    code: 'BLOB.DISK_FULL',
    kind: 'exhausted',
    message:
      `${neededBytes} bytes do not fit into the free space without its reserve: ${freeBytes} bytes are free; ` +
      'free disk space or delete checkpoints',
    details: { neededBytes, freeBytes },
  });
}

/** The disk fails to read a block or a token file, time and again. */
export function blobUnreadable(sha256: string, cause: unknown): AppError {
  return new AppError({
    code: 'BLOB.UNREADABLE',
    kind: 'unavailable',
    message: `blob ${sha256} cannot be read just now: look at the disk of MILLRACE_BLOBS, whose error the API's log has; try again`,
    cause,
  });
}

/** Too many blocks are being stored and read, or the disk takes minutes for one. */
export function blocksUnanswered(sha256: string, why: 'busy' | 'too slow'): AppError {
  return new AppError({
    code: 'BLOB.STORE_BUSY',
    kind: 'unavailable',
    message: `block ${sha256} was neither stored nor read, because the block store is ${why}: try again`,
  });
}
