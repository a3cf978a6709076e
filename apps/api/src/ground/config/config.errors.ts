import { AppError, type FieldError } from '@millrace/core';

/** The environment does not make a configuration; every offending variable is named. */
export function configInvalid(fields: readonly FieldError[]): AppError {
  return new AppError({
    code: 'CONFIG.INVALID',
    kind: 'invalid',
    message: `the environment is not accepted: ${fields.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    fields,
  });
}
