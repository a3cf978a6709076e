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

/** The frame would be as large if it were sent again: the sender gives up. */
export function frameBeyondPlan(edge: string, bytes: number, bytesMax: number): AppError {
  const message =
    `a frame "${edge}" has ${bytes} bytes, and the plan has none of more than ${bytesMax}: ` +
    'the two agents do not follow the same plan; run the same version on both';
  return new AppError({ code: 'DATA_PLANE.FRAME_BEYOND_PLAN', kind: 'invalid', message });
}

export function frameCorrupt(sequence: number): AppError {
  const message = `the checksum of message ${sequence} does not match its payload: it is asked for again`;
  return new AppError({ code: 'DATA_PLANE.FRAME_CORRUPT', kind: 'unavailable', message });
}

/**
 * The frame's step was begun on weights that were rolled back: a rank that waited for the frame begins the step again.
 */
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

/** There is no such attempt here, or it has another key: the caller does not learn which of the two. */
export function streamRefused(runId: string): AppError {
  const run = boundedText(runId) || 'an unnamed run';
  const message = `no attempt of ${run} takes this stream: it is not started here yet, it is over, or it has another key`;
  return new AppError({ code: 'DATA_PLANE.STREAM_REFUSED', kind: 'forbidden', message });
}

/** A certificate of an attempt names one rank, and its owner speaks for that rank only. */
export function peerNotItself(claimed: string): AppError {
  const message = `the stream claims to come from ${boundedText(claimed)}, but its caller's certificate is another rank's`;
  return new AppError({ code: 'DATA_PLANE.PEER_NOT_ITSELF', kind: 'forbidden', message });
}

/**
 * Another agent listens at the address that the plan gives for this rank, or the certificates of an attempt were mixed
 * up.
 */
export function peerUnexpected(address: string, expected: string, shown: string): AppError {
  const message =
    `${address} should be ${expected}, but its certificate names ${boundedText(shown) || 'nobody'}: ` +
    'let each agent advertise an address of its own';
  return new AppError({ code: 'DATA_PLANE.PEER_UNEXPECTED', kind: 'unavailable', message });
}

/**
 * A message with an old fence comes from an attempt that was superseded. The caller must not be told any other fence.
 */
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
