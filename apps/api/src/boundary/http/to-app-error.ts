import { HttpException } from '@nestjs/common';
import { AppError, type ErrorKind } from '@millrace/core';
import { bodyBroken, bodyTooLarge, fileChanged, rangeBeyondFile } from '../../ground/http/boundary.errors';
import { fromDatabase } from '../from-database';

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  408: 'aborted',
  409: 'conflict',
  413: 'too_large',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Anything thrown while a request is handled, as an AppError; undefined for a bug. */
export function toAppError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return thrown;
  if (isBodyError(thrown)) return fromBodyReader(thrown);
  if (isFileError(thrown)) return fromFileSender(thrown);
  if (isCutOff(thrown)) return bodyBroken(thrown);
  const ofDatabase = fromDatabase(thrown);
  if (ofDatabase !== undefined) return ofDatabase;
  return thrown instanceof HttpException ? fromFramework(thrown) : undefined;
}

/** An error of Nest itself, for instance for a path whose percent-encoding is not valid. */
function fromFramework(error: HttpException): AppError | undefined {
  const kind = KIND_OF_STATUS[error.getStatus()];
  return kind && new AppError({ code: 'API.REQUEST_REFUSED', kind, message: error.message, cause: error });
}

interface FileError {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Whether it is an error of `send`, which Express uses for files (http-errors), about a request that it cannot fulfil.
 */
function isFileError(thrown: unknown): thrown is FileError {
  return thrown instanceof Error && 'statusCode' in thrown && [412, 416].includes(thrown.statusCode as number);
}

function fromFileSender({ statusCode, headers }: FileError): AppError {
  return statusCode === 412 ? fileChanged() : rangeBeyondFile(headers?.['Content-Range'] ?? 'bytes */*');
}

/** Whether it is Node's error for a request whose sender left before its end, or whose chunks are malformed. */
function isCutOff(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return false;
  return thrown.code.startsWith('HPE_') || (thrown.code === 'ECONNRESET' && thrown.message === 'aborted');
}

interface BodyError {
  readonly type: string;
  readonly limit?: number;
}

/** Whether it is an error of Express's body reader (raw-body, http-errors). */
function isBodyError(thrown: unknown): thrown is BodyError {
  return thrown instanceof Error && 'type' in thrown && 'statusCode' in thrown && typeof thrown.type === 'string';
}

function fromBodyReader(error: BodyError): AppError {
  return error.type === 'entity.too.large' ? bodyTooLarge(error.limit ?? 0) : bodyBroken(error);
}
