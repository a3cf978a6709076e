import { AppError } from '@millrace/core';

/** What an error says to who reads it, with the fields that are wrong and its code to look up. */
export function errorText(error: unknown): string {
  if (!(error instanceof AppError)) return error instanceof Error ? error.message : String(error);
  const fields = error.fields.map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`);
  return [error.message, ...fields].join('; ');
}
