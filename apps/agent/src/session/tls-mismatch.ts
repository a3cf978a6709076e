import { isIP } from 'node:net';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { AppError } from '@millrace/core';
import { tlsNeeded, tlsUnexpected, tlsUntrusted } from './session.errors';

const PATIENCE_MS = 5_000;
/** The errors of OpenSSL when the answer is not TLS. */
const NOT_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

export interface TlsAttempt {
  /** host:port */
  readonly address: string;
  /** The authority to check with: `system` means those that this machine trusts, undefined means plain text. */
  readonly authority: { readonly name: string; readonly pem: Buffer | undefined } | undefined;
}

/**
 * Finds out why a connection fails that grpc-js only calls unavailable, for it does not tell a wrong certificate from a
 * machine that is off. Undefined when TLS is not the reason, or nobody answers.
 */
export function tlsMismatch({ address, authority }: TlsAttempt): Promise<AppError | undefined> {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ALPNProtocols: ['h2'],
      // Only the certificate is looked at; nothing is sent.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authority?.pem === undefined ? {} : { ca: authority.pem }),
    });
    const settle = (mismatch: AppError | undefined): void => {
      socket.destroy();
      resolve(mismatch);
    };
    socket.setTimeout(PATIENCE_MS, () => settle(undefined));
    socket.once('secureConnect', () => {
      if (authority === undefined) return settle(tlsNeeded(address));
      settle(socket.authorized ? undefined : tlsUntrusted(address, authority.name, whyNot(socket, host)));
    });
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) =>
      settle(authority !== undefined && NOT_TLS.has(code) ? tlsUnexpected(address) : undefined),
    );
  });
}

function whyNot(socket: TLSSocket, host: string): string {
  const code = String(socket.authorizationError);
  // A wrong name's code does not tell which names would be right.
  const named =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? checkServerIdentity(host, socket.getPeerCertificate()) : undefined;
  return named?.message ?? code;
}
