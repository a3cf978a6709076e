import { formatDateTime } from './format-time';

/** Says how long the session lasts; null means that it has no end. */
export function sessionEndText(expiresAt: string | null): string {
  return expiresAt === null ? 'signed in until you sign out' : `signed in until ${formatDateTime(expiresAt)}`;
}
