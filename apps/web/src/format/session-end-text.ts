import { formatDateTime } from './format-time';

/** Until when nobody has to sign in again; null is a session without an end. */
export function sessionEndText(expiresAt: string | null): string {
  return expiresAt === null ? 'signed in until you sign out' : `signed in until ${formatDateTime(expiresAt)}`;
}
