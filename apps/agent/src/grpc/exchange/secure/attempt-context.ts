import { createSecureContext, type SecureContext } from 'node:tls';
import type { LinkCredential } from '../../../data-plane/link/link-credential';

export const ALPN_PROTOCOL = 'h2';

/** Both ends are ours. Of the suites of TLS 1.3 this one is the fastest where the processor knows AES. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';

/** Made once for a credential, and gone with it. */
const contexts = new WeakMap<LinkCredential, SecureContext>();

/** Both ends of an attempt's links: its own certificate, and the authority of that attempt alone. */
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

/** The URI of a certificate, as Node tells its alternative names; ours have nothing else there. */
export function certificateUri(alternativeNames: string | undefined): string {
  return alternativeNames?.startsWith('URI:') === true ? alternativeNames.slice('URI:'.length) : '';
}
