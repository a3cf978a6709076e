import { AppError } from '@millrace/core';
import { boundedText } from './refusal-log';

export function frameMalformed(reason: string, cause?: unknown): AppError {
  return new AppError({
    code: 'DATA_PLANE.FRAME_MALFORMED',
    kind: 'invalid',
    message: `a frame cannot be read: ${reason}`,
    cause,
  });
}

/** Sent again it would be as large: the sender gives up. */
export function frameBeyondPlan(edge: string, bytes: number, bytesMax: number): AppError {
  const message =
    `a frame "${edge}" of ${bytes} bytes, where the plan has frames of ${bytesMax} at most: ` +
    'the two agents do not follow the same plan; run the same version on both';
  return new AppError({ code: 'DATA_PLANE.FRAME_BEYOND_PLAN', kind: 'invalid', message });
}

export function frameCorrupt(sequence: number): AppError {
  const message = `the checksum of message ${sequence} does not match its payload: it is asked for again`;
  return new AppError({ code: 'DATA_PLANE.FRAME_CORRUPT', kind: 'unavailable', message });
}

/** Its step was begun on weights that were rolled back: whoever waited for it begins the step again. */
export function frameDropped(key: string): AppError {
  const message = `${key} belongs to a step that was rolled back`;
  return new AppError({ code: 'DATA_PLANE.FRAME_DROPPED', kind: 'aborted', message });
}

export function sequenceGap(expected: number, got: number): AppError {
  const message = `message ${got} came where ${expected} was due: the stream is opened again`;
  return new AppError({ code: 'DATA_PLANE.SEQUENCE_GAP', kind: 'unavailable', message });
}

export function windowOverrun(bytes: number, windowBytes: number): AppError {
  const message = `${bytes} bytes are in flight and the window is ${windowBytes}: the sender ignores its credits`;
  return new AppError({ code: 'DATA_PLANE.WINDOW_OVERRUN', kind: 'exhausted', message });
}

/** No such attempt here, or another key: the caller learns nothing about which. */
export function streamRefused(runId: string): AppError {
  const run = boundedText(runId) || 'an unnamed run';
  const message = `no attempt of ${run} takes this stream: it is not started here yet, it is over, or the key is another one`;
  return new AppError({ code: 'DATA_PLANE.STREAM_REFUSED', kind: 'forbidden', message });
}

/** Whoever has a certificate of an attempt speaks for the rank that it names, and for no other. */
export function peerNotItself(claimed: string): AppError {
  const message = `the stream says that it is of ${boundedText(claimed)}, and the caller's certificate is of another rank`;
  return new AppError({ code: 'DATA_PLANE.PEER_NOT_ITSELF', kind: 'forbidden', message });
}

/** Another agent listens where the plan says that this one does, or an attempt's certificates were mixed up. */
export function peerUnexpected(address: string, expected: string, shown: string): AppError {
  const message =
    `${address} was to be ${expected}, and its certificate is of ${boundedText(shown) || 'nobody'}: ` +
    'let each agent advertise an address of its own';
  return new AppError({ code: 'DATA_PLANE.PEER_UNEXPECTED', kind: 'unavailable', message });
}

/** Whatever carries an old fence comes from an attempt that was superseded. The caller may be told no other fence. */
export function fenceOld(runId: string, fence: number): AppError {
  const message = `fence ${fence} of ${boundedText(runId)} is not the current one: the attempt was superseded`;
  return new AppError({ code: 'DATA_PLANE.FENCE_OLD', kind: 'aborted', message });
}

export function peerLost(rank: number, waitedMs: number, cause?: unknown): AppError {
  const message = `rank ${rank} could not be reached for ${Math.round(waitedMs / 1000)} s`;
  return new AppError({ code: 'DATA_PLANE.PEER_LOST', kind: 'unavailable', message, details: { rank }, cause });
}

export function attemptOver(reason: string): AppError {
  return new AppError({ code: 'DATA_PLANE.ATTEMPT_OVER', kind: 'aborted', message: `the attempt is over: ${reason}` });
}
