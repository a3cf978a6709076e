import { MillraceClient } from '@millrace/sdk';
import { announceSignedOut } from './signed-out';

/** Calls the API that this page came from; the session's cookie goes along by itself. */
export const client = new MillraceClient({ origin: window.location.origin, fetch: fetchInSession });

/** An expired or revoked session answers 401 to whatever is asked first: the page then shows the sign-in form. */
async function fetchInSession(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, credentials: 'same-origin' });
  if (response.status === 401) announceSignedOut();
  return response;
}
