import { AppError } from '@millrace/core';

/** The message can be sent neither in one piece nor in parts: its sender ends what it was for. */
export function messageTooLarge(what: string, bytes: number, bytesMax: number): AppError {
  const [mebibytes, mebibytesMax] = [bytes, bytesMax].map((each) => (each / 2 ** 20).toFixed(1));
  return new AppError({
    code: 'SESSION.MESSAGE_TOO_LARGE',
    kind: 'too_large',
    message:
      `${what} takes ${mebibytes} MiB, and at most ${mebibytesMax} MiB can be sent: use a model of fewer layers, ` +
      'and agents of the same version as the API, since older ones take less',
    details: { bytes, bytesMax },
  });
}

export function partInvalid(reason: string): AppError {
  return new AppError({
    code: 'SESSION.PART_INVALID',
    kind: 'invalid',
    message: `a part of a message ${reason}: both ends of the session must be of versions that agree on parts`,
  });
}
