import { AppError } from '@millrace/core';

/** The message of an error, followed by the fields that are wrong if the message does not name them. */
export function errorText(error: unknown): string {
  if (!(error instanceof AppError)) return error instanceof Error ? error.message : String(error);
  const untold = error.fields.filter(({ message }) => !error.message.includes(message));
  const fields = untold.map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`);
  return [error.message, ...fields].join('; ');
}
