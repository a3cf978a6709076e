import { createHash } from 'node:crypto';

/** What a rank shows its peers over TLS, and what it checks theirs with, in PEM. It is valid for one attempt. */
export interface LinkCredential {
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The name by which a caller says which attempt it means, which is sent before anything is encrypted. It is derived
 * from the attempt's key, so that strangers know no name that is answered, and it tells nothing about the run.
 */
export function serverNameOf(key: string): string {
  const digest = createHash('sha256').update('millrace data port\n').update(key).digest('hex');
  return `${digest.slice(0, 40)}.millrace.internal`;
}
