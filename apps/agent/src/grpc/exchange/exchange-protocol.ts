import { type IncomingHttpHeaders, type OutgoingHttpHeaders, constants } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { stageV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import type { CreditMessage, StreamIdentity } from '../../data-plane/link/frame-channel';
import { fromServiceError, toServiceError } from '../grpc-errors';
import { GRPC_PREFIX_BYTES } from './message-reader';

const { HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_STATUS, HTTP2_HEADER_TE } =
  constants;

/** StageService.Exchange of proto/millrace/stage/v1. */
export const EXCHANGE_PATH = '/millrace.stage.v1.StageService/Exchange';
const CONTENT_TYPE = 'application/grpc';

export function requestHeaders({ runId, fence, key, fromRank }: StreamIdentity): OutgoingHttpHeaders {
  return {
    [HTTP2_HEADER_METHOD]: 'POST',
    [HTTP2_HEADER_PATH]: EXCHANGE_PATH,
    [HTTP2_HEADER_CONTENT_TYPE]: CONTENT_TYPE,
    [HTTP2_HEADER_TE]: 'trailers',
    'millrace-run': runId,
    'millrace-fence': String(fence),
    'millrace-key': key,
    'millrace-from': String(fromRank),
  };
}

export const RESPONSE_HEADERS: OutgoingHttpHeaders = {
  [HTTP2_HEADER_STATUS]: 200,
  [HTTP2_HEADER_CONTENT_TYPE]: CONTENT_TYPE,
};

/** What is missing comes out as '' or NaN, which no attempt matches. */
export function streamIdentity(headers: IncomingHttpHeaders): StreamIdentity {
  const text = (name: string): string => String(headers[name] ?? '');
  const number = (name: string): number => (text(name) === '' ? NaN : Number(text(name)));
  return {
    runId: text('millrace-run'),
    fence: number('millrace-fence'),
    key: text('millrace-key'),
    fromRank: number('millrace-from'),
  };
}

export function encodeCredit(credit: CreditMessage): Buffer {
  const message = stageV1.Credit.encode(credit).finish();
  const bytes = Buffer.alloc(GRPC_PREFIX_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, GRPC_PREFIX_BYTES);
  return bytes;
}

export function decodeCredit(message: Buffer): CreditMessage {
  return stageV1.Credit.decode(message);
}

/** Trailers that end a call; `error` says why, none that all is well. */
export function statusTrailers(error?: Error): OutgoingHttpHeaders {
  if (error === undefined) return { 'grpc-status': String(status.OK) };
  const { code, details } = toServiceError(error);
  return { 'grpc-status': String(code), 'grpc-message': encodeURIComponent(details ?? '') };
}

/** What the headers or trailers of an answer say: an error, that all went well, or nothing yet. */
export function answeredStatus(headers: IncomingHttpHeaders, what: string): AppError | 'ok' | undefined {
  const code = headers['grpc-status'];
  if (code === undefined) return undefined;
  if (Number(code) === Number(status.OK)) return 'ok';
  return fromServiceError({ code: Number(code), details: decodeText(headers['grpc-message']) }, what);
}

function decodeText(text: string | string[] | undefined): string {
  try {
    return decodeURIComponent(String(text ?? ''));
  } catch {
    return String(text);
  }
}
