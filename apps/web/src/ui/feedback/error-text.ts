import { AppError } from '@millrace/core';

/** What an error says to who reads it, with the fields that are wrong where its sentence does not name them already. */
export function errorText(error: unknown): string {
  if (!(error instanceof AppError)) return error instanceof Error ? error.message : String(error);
  const untold = error.fields.filter(({ message }) => !error.message.includes(message));
  const fields = untold.map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`);
  return [error.message, ...fields].join('; ');
}
