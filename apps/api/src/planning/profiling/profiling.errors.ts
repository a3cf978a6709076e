import { AppError } from '@millrace/core';

export function layerProfileInvalid(seconds: number): AppError {
  return new AppError({
    code: 'PROFILE.INVALID',
    kind: 'invalid',
    message: `a layer cannot take ${seconds} s: report finite times of F, I and W for embedding, block and head`,
  });
}

export function choiceInvalid(index: number, problem: string): AppError {
  return new AppError({
    code: 'PROFILE.CHOICE_INVALID',
    kind: 'invalid',
    message: `choice ${index} of a kernel's variant cannot be used: ${problem}`,
    details: { index },
  });
}

export function linkInvalid(latencySeconds: number, bytesPerSecond: number): AppError {
  return new AppError({
    code: 'PROFILE.LINK_INVALID',
    kind: 'invalid',
    message: `a link of ${bytesPerSecond} bytes/s and ${latencySeconds} s is not a link: report finite, positive numbers`,
  });
}
