import { AppError, type FieldError } from '@millrace/core';

/**
 * The document is not a run spec, or asks for something that is impossible or not built. Every wrong field is named.
 */
export function specInvalid(fields: readonly FieldError[]): AppError {
  const list = fields.map(
    ({ path, message }) => `${path === '' ? 'document' : path.slice(1).replaceAll('/', '.')}: ${message}`,
  );
  return new AppError({
    code: 'RUN.SPEC_INVALID',
    kind: 'invalid',
    message: `the run spec is not accepted: ${list.join('; ')}`,
    fields,
  });
}
