import { AppError } from '@millrace/core';
import { HTTP2_ERROR, type Http2ErrorCode } from './frames/frame-format';

/** The peer violates RFC 9113: its connection ends with a GOAWAY of this code. */
function connectionError(http2Code: Http2ErrorCode, what: string): AppError {
  const message = `the peer does not keep to HTTP/2: ${what}`;
  return new AppError({ code: 'GRPC.HTTP2_PROTOCOL', kind: 'unavailable', message, details: { http2Code } });
}

export function protocolError(what: string): AppError {
  return connectionError('protocolError', what);
}

export function frameSizeError(what: string): AppError {
  return connectionError('frameSizeError', what);
}

export function flowControlError(what: string): AppError {
  return connectionError('flowControlError', what);
}

export function streamClosedError(streamId: number): AppError {
  return connectionError('streamClosed', `stream ${streamId} was closed`);
}

export function compressionError(what: string): AppError {
  return connectionError('compressionError', what);
}

export function headersTooLarge(bytesMax: number): AppError {
  return connectionError('enhanceYourCalm', `headers beyond ${bytesMax} bytes`);
}

export function tooMuch(what: string): AppError {
  return connectionError('enhanceYourCalm', what);
}

/** The code for the GOAWAY; undefined if the peer is not at fault. */
export function http2CodeOf(error: unknown): Http2ErrorCode | undefined {
  if (!(error instanceof AppError) || error.code !== 'GRPC.HTTP2_PROTOCOL') return undefined;
  return error.details['http2Code'] as Http2ErrorCode;
}

export function connectionLost(what: string, cause?: unknown): AppError {
  return new AppError({ code: 'GRPC.CONNECTION_LOST', kind: 'unavailable', message: what, cause });
}

export function streamReset(code: number): AppError {
  const name = Object.entries(HTTP2_ERROR).find(([, value]) => value === code)?.[0] ?? `code ${code}`;
  return new AppError({
    code: 'GRPC.STREAM_RESET',
    kind: 'unavailable',
    message: `the peer reset the stream (${name})`,
  });
}
