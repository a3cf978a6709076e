import { createSecureContext, type SecureContext } from 'node:tls';
import type { LinkCredential } from '../../../data-plane/link/link-credential';

export const ALPN_PROTOCOL = 'h2';

/**
 * Both ends are agents, so that the choice is ours: of the suites of TLS 1.3 the first is the fastest where the
 * processor has AES instructions.
 */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';

/** A context is made once for a credential and is freed with it. */
const contexts = new WeakMap<LinkCredential, SecureContext>();

/**
 * The TLS context of both ends of an attempt's links: its own certificate, and as authority only that of the attempt.
 */
export function attemptContext(credential: LinkCredential): SecureContext {
  const known = contexts.get(credential);
  if (known !== undefined) return known;
  const context = createSecureContext({
    ca: credential.authority,
    cert: credential.certificate,
    key: credential.privateKey,
    ciphers: CIPHERS,
    minVersion: 'TLSv1.3',
  });
  contexts.set(credential, context);
  return context;
}

/**
 * The URI of a certificate, read from its alternative names as Node writes them; our certificates have no other name.
 */
export function certificateUri(alternativeNames: string | undefined): string {
  return alternativeNames?.startsWith('URI:') === true ? alternativeNames.slice('URI:'.length) : '';
}
