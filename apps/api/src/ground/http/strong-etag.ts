import { createHash } from 'node:crypto';
import { etagDiffers } from './boundary.errors';

/** A strong entity tag: it is the hash of the answer's bytes, so that equal tags mean equal bodies. */
export function strongEtag(body: string | Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/**
 * Compares a DELETE's `If-Match` with the object as GET shows it now; without the header nothing is checked.
 * @throws AppError API.ETAG_DIFFERS
 */
export function checkIfMatch(ifMatch: string | undefined, body: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const current = strongEtag(JSON.stringify(body));
  // Weak tags never match here (RFC 9110, section 13.1.1).
  if (!ifMatch.split(',').some((tag) => tag.trim() === current)) throw etagDiffers(ifMatch, current);
}
