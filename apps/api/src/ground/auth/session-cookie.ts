import { parse } from 'cookie';
import type { Request } from 'express';
import { originForbidden } from './auth.errors';

export const SESSION_COOKIE = 'millrace_session';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The secret of a browser's session. */
export function sessionCookieOf(request: Request): string | undefined {
  const secret = parse(request.headers.cookie ?? '')[SESSION_COOKIE];
  return secret === '' ? undefined : secret;
}

/**
 * Browsers add the cookie to whatever any site makes them ask, if an old one does not know SameSite; they always tell
 * the true Origin of a change. @throws AppError AUTH.ORIGIN_FORBIDDEN
 */
export function assertSameOrigin({ method, headers }: Pick<Request, 'method' | 'headers'>): void {
  if (SAFE_METHODS.has(method)) return;
  const { origin, host = '' } = headers;
  if (origin === undefined || !URL.canParse(origin) || new URL(origin).host !== host) {
    throw originForbidden(origin, host);
  }
}
