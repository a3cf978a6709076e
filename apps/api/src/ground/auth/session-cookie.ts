import { parse } from 'cookie';
import type { Request } from 'express';
import { originForbidden } from './auth.errors';

export const SESSION_COOKIE = 'millrace_session';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The secret of a browser session. */
export function sessionCookieOf(request: Request): string | undefined {
  const secret = parse(request.headers.cookie ?? '')[SESSION_COOKIE];
  return secret === '' ? undefined : secret;
}

/**
 * Checks a cookie's origin. An old browser that does not know SameSite adds the cookie to requests that another site
 * causes; but every browser sends the true Origin with a change. @throws AppError AUTH.ORIGIN_FORBIDDEN
 */
export function assertSameOrigin({ method, headers }: Pick<Request, 'method' | 'headers'>): void {
  if (SAFE_METHODS.has(method)) return;
  const { origin, host = '' } = headers;
  if (origin === undefined || !URL.canParse(origin) || new URL(origin).host !== host) {
    throw originForbidden(origin, host);
  }
}
