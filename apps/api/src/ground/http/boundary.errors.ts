import { AppError, type FieldError } from '@millrace/core';

/** Nothing answers at this address. */
export function routeNotFound(method: string, path: string): AppError {
  return new AppError({
    code: 'API.ROUTE_NOT_FOUND',
    kind: 'not_found',
    message: `${method} ${path} does not exist; /api/openapi.json lists what does`,
  });
}

/** The query of a request is not accepted. */
export function queryInvalid(fields: readonly FieldError[]): AppError {
  const list = fields.map(({ path, message }) => `${path.slice(1)}: ${message}`);
  return new AppError({
    code: 'API.QUERY_INVALID',
    kind: 'invalid',
    fields,
    message: `the query is not accepted: ${list.join('; ')}`,
  });
}

/** The body of a request does not have the shape that the call needs. */
export function bodyInvalid(fields: readonly FieldError[]): AppError {
  const list = fields.map(
    ({ path, message }) => `${path === '' ? 'body' : path.slice(1).replaceAll('/', '.')}: ${message}`,
  );
  return new AppError({
    code: 'API.BODY_INVALID',
    kind: 'invalid',
    fields,
    message: `the body is not accepted: ${list.join('; ')}`,
  });
}

/** The body is neither JSON nor YAML. */
export function documentMalformed(language: 'JSON' | 'YAML', reason: string): AppError {
  return new AppError({
    code: 'API.DOCUMENT_MALFORMED',
    kind: 'invalid',
    message: `the body is not ${language}: ${reason}`,
    fields: [{ path: '', message: reason }],
  });
}

/** No further YAML document may wait to be read. */
export function documentsBusy(waiting: number): AppError {
  return new AppError({
    code: 'API.DOCUMENTS_BUSY',
    kind: 'unavailable',
    message: `${waiting} YAML documents are waiting to be read; send it again in a second, or send JSON`,
  });
}

/** YAML costs more to read than JSON, so that only those who may submit runs can send it. */
export function yamlForbidden(): AppError {
  return new AppError({
    code: 'API.YAML_FORBIDDEN',
    kind: 'invalid',
    message: 'YAML is accepted only from those who may submit runs (role member or admin, scope runs); send JSON',
    fields: [{ path: '/content-type', message: 'must be application/json' }],
  });
}

/** The body is larger than the call allows. */
export function bodyTooLarge(bytesMax: number): AppError {
  return new AppError({
    code: 'API.BODY_TOO_LARGE',
    kind: 'too_large',
    message: `the body has more than ${bytesMax} bytes; send a smaller one`,
    fields: [{ path: '', message: `must be at most ${bytesMax} bytes` }],
    details: { bytesMax },
  });
}

/** The connection closed before the body was complete. */
export function bodyBroken(cause: unknown): AppError {
  return new AppError({
    code: 'API.BODY_BROKEN',
    kind: 'invalid',
    cause,
    message: 'the body ended before it was complete; send it again',
  });
}

/** Only uploads may take long. */
export function bodySlow(seconds: number): AppError {
  return new AppError({
    code: 'API.BODY_SLOW',
    kind: 'invalid',
    message: `the body was not complete ${seconds} s after its headers; send it without pauses`,
  });
}

/** The object is not in the state that If-Match asks for. */
export function etagDiffers(given: string, current: string): AppError {
  return new AppError({
    code: 'API.ETAG_DIFFERS',
    kind: 'precondition',
    message: `If-Match is ${given}, but the object's ETag is ${current}; read it again and decide again`,
  });
}

/** A file of the dashboard is not the one that If-Match or If-Unmodified-Since asks for. */
export function fileChanged(): AppError {
  return new AppError({
    code: 'API.FILE_CHANGED',
    kind: 'precondition',
    message: 'the file is not the one that If-Match or If-Unmodified-Since asks for; read it again',
  });
}

/** `contentRange` tells how long the file is. */
export function rangeBeyondFile(contentRange: string): AppError {
  return new AppError({
    code: 'API.RANGE_BEYOND_FILE',
    kind: 'invalid',
    message: `the file has none of the bytes that Range asks for; its length is in Content-Range: ${contentRange}`,
    fields: [{ path: '/range', message: 'is beyond the end of the file' }],
    details: { contentRange },
  });
}

/** The address exists, but not for this method. */
export function methodNotAllowed(method: string, path: string, allowed: readonly string[]): AppError {
  return new AppError({
    code: 'API.METHOD_NOT_ALLOWED',
    kind: 'invalid',
    message: `${method} is not a method of ${path}; its methods are ${allowed.join(', ')}`,
    details: { allowed },
  });
}

/** The call does not accept the body's media type. */
export function contentTypeUnknown(given: string | undefined, accepted: readonly string[]): AppError {
  const list = accepted.join(' or ');
  return new AppError({
    code: 'API.CONTENT_TYPE_UNKNOWN',
    kind: 'invalid',
    message: `content type ${JSON.stringify(given ?? '')} is not accepted; send ${list}`,
    fields: [{ path: '/content-type', message: `must be ${list}` }],
  });
}

/** The body is compressed. */
export function contentEncodingUnknown(given: string): AppError {
  return new AppError({
    code: 'API.CONTENT_ENCODING_UNKNOWN',
    kind: 'invalid',
    message: `content encoding ${JSON.stringify(given)} is not accepted; send the body uncompressed`,
    fields: [{ path: '/content-encoding', message: 'must be left out' }],
  });
}

/** One token has as many event streams open as it may. */
export function streamsLimited(streamsMax: number): AppError {
  return new AppError({
    code: 'API.STREAMS_LIMITED',
    kind: 'rate_limited',
    message: `this token has ${streamsMax} event streams open, which is the most; close some, or ask for several topics in one stream (/api/v1/events?topics=)`,
    details: { streamsMax },
  });
}

/** One token has made more requests than it may in a second. */
export function rateLimited(requestsPerSecond: number): AppError {
  return new AppError({
    code: 'API.RATE_LIMITED',
    kind: 'rate_limited',
    message: `more than ${requestsPerSecond} requests in a second; wait as long as Retry-After says`,
  });
}
