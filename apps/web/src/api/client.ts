import { MillraceClient } from '@millrace/sdk';
import { announceSignedOut } from './signed-out';

/** Calls the API that this page came from; the browser sends the session's cookie with each call. */
export const client = new MillraceClient({ origin: window.location.origin, fetch: fetchInSession });

/**
 * Once the session has expired or was revoked, the API answers the next call with 401: the page then shows the sign-in
 * form.
 */
async function fetchInSession(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, credentials: 'same-origin' });
  if (response.status === 401) announceSignedOut();
  return response;
}
