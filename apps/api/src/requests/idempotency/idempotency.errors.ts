import { AppError } from '@millrace/core';

const FIELD = '/idempotency-key';

/** The header is empty or too long. */
export function idempotencyKeyInvalid(charactersMax: number): AppError {
  return new AppError({
    code: 'API.IDEMPOTENCY_KEY_INVALID',
    kind: 'invalid',
    message: `Idempotency-Key must have 1 to ${charactersMax} printable characters`,
    fields: [{ path: FIELD, message: `must have 1 to ${charactersMax} printable characters` }],
  });
}

/** The key was used for another request. */
export function idempotencyKeyReused(key: string): AppError {
  return new AppError({
    code: 'API.IDEMPOTENCY_KEY_REUSED',
    kind: 'invalid',
    message: `Idempotency-Key ${JSON.stringify(key)} was used for another request; use a new key for a new request`,
    fields: [{ path: FIELD, message: 'was used with another method, path or body' }],
  });
}

/** What was asked for has been done. Its answer contained a secret, which is not kept. */
export function idempotencySecretTold(key: string): AppError {
  return new AppError({
    code: 'API.IDEMPOTENCY_SECRET_TOLD',
    kind: 'conflict',
    message: `the request with Idempotency-Key ${JSON.stringify(key)} was answered with a secret, which is told once; revoke what it made and use a new key`,
    fields: [{ path: FIELD, message: 'belongs to an answer that is not kept' }],
  });
}

/** The first request with this key has not been answered yet. */
export function idempotencyKeyInFlight(key: string): AppError {
  return new AppError({
    code: 'API.IDEMPOTENCY_KEY_IN_FLIGHT',
    kind: 'conflict',
    message: `the first request with Idempotency-Key ${JSON.stringify(key)} is still being handled; try again shortly`,
    fields: [{ path: FIELD, message: 'is in use by a request that is being handled' }],
  });
}

/** What the request asked for was done, and its answer is not kept (yet). */
export function idempotencyAnswerMissing(key: string): AppError {
  return new AppError({
    code: 'API.IDEMPOTENCY_ANSWER_MISSING',
    kind: 'conflict',
    message:
      `the request with Idempotency-Key ${JSON.stringify(key)} was carried out and is not answered: it is still being ` +
      'handled, or the API stopped before the answer was kept. Try again shortly; if this stays so, read what it made, ' +
      'and use a new key to have it done once more',
    fields: [{ path: FIELD, message: 'belongs to a request that was carried out and has no answer' }],
  });
}
