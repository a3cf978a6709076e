import { STATUS_CODES } from 'node:http';
import type { Problem } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import { httpStatusOf } from '../kind-to-http';

/** Turns an error into RFC 9457 problem details; the request's log line has the same `requestId`. */
export function toProblem(error: AppError, requestId: string): Problem {
  const status = httpStatusOf(error);
  return {
    type: `urn:millrace:error:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.message,
    instance: `urn:millrace:request:${requestId}`,
    code: error.code,
    ...errorsOf(error),
  };
}

/**
 * Which fields are wrong. A body that is wrong as a whole (a truncated file, a wrong encoding) has the pointer "",
 * which means the root.
 */
function errorsOf({ kind, fields, message }: AppError): Pick<Problem, 'errors'> {
  if (fields.length > 0) return { errors: fields.map(({ path, message: what }) => ({ path, message: what })) };
  return kind === 'invalid' || kind === 'too_large' ? { errors: [{ path: '', message }] } : {};
}
