import { createHash } from 'node:crypto';

/** What a rank shows its peers over TLS, and what it knows them by, in PEM: good for one attempt. */
export interface LinkCredential {
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The name by which a caller says which attempt it means, before anything is encrypted: made from the attempt's key, so
 * that strangers know no name that is answered, and it says nothing of the run.
 */
export function serverNameOf(key: string): string {
  const digest = createHash('sha256').update('millrace data port\n').update(key).digest('hex');
  return `${digest.slice(0, 40)}.millrace.internal`;
}
