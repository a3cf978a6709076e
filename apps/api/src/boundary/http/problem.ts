import { STATUS_CODES } from 'node:http';
import type { Problem } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import { httpStatusOf } from '../kind-to-http';

/** An error as RFC 9457 problem details; `requestId` is also in the log line of the request. */
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

/** What is wrong where; a body that is wrong as a whole (a cut file, a wrong encoding) is at "", the root's pointer. */
function errorsOf({ kind, fields, message }: AppError): Pick<Problem, 'errors'> {
  if (fields.length > 0) return { errors: fields.map(({ path, message: what }) => ({ path, message: what })) };
  return kind === 'invalid' || kind === 'too_large' ? { errors: [{ path: '', message }] } : {};
}
