import { AppError, type FieldError } from '@millrace/core';

/** Nothing answers at this address. */
export function routeNotFound(method: string, path: string): AppError {
  return new AppError({
    code: 'API.ROUTE_NOT_FOUND', kind: 'not_found',
    message: `${method} ${path} does not exist; /api/openapi.json lists what does`,
  });
}

/** The query of a request is not accepted. */
export function queryInvalid(fields: readonly FieldError[]): AppError {
  return new AppError({
    code: 'API.QUERY_INVALID', kind: 'invalid', fields,
    message: `the query is not accepted: ${fields.map(({ path, message }) => `${path.slice(1)}: ${message}`).join('; ')}`,
  });
}

/** The body of a request does not have the shape that the call takes. */
export function bodyInvalid(fields: readonly FieldError[]): AppError {
  const list = fields.map(({ path, message }) => `${path === '' ? 'body' : path.slice(1).replaceAll('/', '.')}: ${message}`);
  return new AppError({
    code: 'API.BODY_INVALID', kind: 'invalid', fields,
    message: `the body is not accepted: ${list.join('; ')}`,
  });
}

/** The body is neither JSON nor YAML. */
export function documentMalformed(language: 'JSON' | 'YAML', reason: string): AppError {
  return new AppError({
    code: 'API.DOCUMENT_MALFORMED', kind: 'invalid',
    message: `the body is not ${language}: ${reason}`,
    fields: [{ path: '', message: reason }],
  });
}

/** The body is larger than the call takes. */
export function bodyTooLarge(bytesMax: number): AppError {
  return new AppError({
    code: 'API.BODY_TOO_LARGE', kind: 'too_large',
    message: `the body has more than ${bytesMax} bytes; send a smaller one`,
    fields: [{ path: '', message: `must be at most ${bytesMax} bytes` }],
    details: { bytesMax },
  });
}

/** The connection closed before the body was complete. */
export function bodyBroken(cause: unknown): AppError {
  return new AppError({
    code: 'API.BODY_BROKEN', kind: 'invalid', cause,
    message: 'the body ended before it was complete; send it again',
  });
}

/** The object is not in the state that If-Match asks for. */
export function etagDiffers(given: string, current: string): AppError {
  return new AppError({
    code: 'API.ETAG_DIFFERS', kind: 'precondition',
    message: `If-Match is ${given}, but the object's ETag is ${current}; read it again and decide anew`,
  });
}
