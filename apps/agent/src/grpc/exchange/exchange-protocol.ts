import { status } from '@grpc/grpc-js';
import { stageV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import type { HeaderFields } from '@millrace/http2';
import type { CreditMessage, StreamIdentity } from '../../data-plane/link/frame-channel';
import { GRPC_PREFIX_BYTES } from '../../data-plane/wire/frame-codec';
import { fromServiceError, toPeerError } from '../grpc-errors';

/** StageService.Exchange of proto/millrace/stage/v1. */
export const EXCHANGE_PATH = '/millrace.stage.v1.StageService/Exchange';
/** StageService.Probe. */
export const PROBE_PATH = '/millrace.stage.v1.StageService/Probe';
/** The most bytes of one call. */
export const PROBE_BYTES_MAX = 8 * 2 ** 20;
const CONTENT_TYPE = 'application/grpc';

export function requestHeaders(
  { runId, fence, key, fromRank }: StreamIdentity,
  authority: string,
  path = EXCHANGE_PATH,
): HeaderFields {
  return new Map([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', authority],
    ['content-type', CONTENT_TYPE],
    ['te', 'trailers'],
    ['millrace-run', runId],
    ['millrace-fence', String(fence)],
    ['millrace-key', key],
    ['millrace-from', String(fromRank)],
  ]);
}

export const RESPONSE_HEADERS: HeaderFields = new Map([
  [':status', '200'],
  ['content-type', CONTENT_TYPE],
]);

/** Fields that are missing become '' or NaN, which no attempt matches. */
export function streamIdentity(headers: HeaderFields): StreamIdentity {
  const text = (name: string): string => headers.get(name) ?? '';
  const number = (name: string): number => (text(name) === '' ? NaN : Number(text(name)));
  return {
    runId: text('millrace-run'),
    fence: number('millrace-fence'),
    key: text('millrace-key'),
    fromRank: number('millrace-from'),
  };
}

export function encodeCredit(credit: CreditMessage): Buffer {
  return grpcMessage(stageV1.Credit.encode(credit).finish());
}

export function encodeBallast(byteCount: number): Buffer {
  return grpcMessage(stageV1.Ballast.encode({ bytes: Buffer.alloc(byteCount) }).finish());
}

function grpcMessage(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GRPC_PREFIX_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, GRPC_PREFIX_BYTES);
  return bytes;
}

export function decodeCredit(message: Buffer): CreditMessage {
  return stageV1.Credit.decode(message);
}

/** The trailers that end a call; without `error` they say that all is well. */
export function statusTrailers(error?: Error): HeaderFields {
  if (error === undefined) return new Map([['grpc-status', String(status.OK)]]);
  const { code, details } = toPeerError(error);
  return new Map([
    ['grpc-status', String(code)],
    ['grpc-message', encodeURIComponent(details ?? '')],
  ]);
}

/** Reads the headers or trailers of an answer: they tell of an error or of success, or nothing yet. */
export function answeredStatus(headers: HeaderFields, what: string): AppError | 'ok' | undefined {
  const code = headers.get('grpc-status');
  if (code === undefined) return undefined;
  if (Number(code) === Number(status.OK)) return 'ok';
  return fromServiceError({ code: Number(code), details: decodeText(headers.get('grpc-message') ?? '') }, what);
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
