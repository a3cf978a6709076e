import { AppError, type FieldError } from '@millrace/core';

/** The environment does not make a valid configuration; every variable that is wrong is named. */
export function configInvalid(fields: readonly FieldError[]): AppError {
  return new AppError({
    code: 'CONFIG.INVALID',
    kind: 'invalid',
    message: `the settings in the environment are wrong: ${fields.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    fields,
  });
}
