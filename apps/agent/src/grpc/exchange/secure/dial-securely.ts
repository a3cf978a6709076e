import { connect, type TLSSocket } from 'node:tls';
import { rankUri, splitHostPort } from '@millrace/core';
import { peerUnexpected } from '../../../data-plane/data-plane.errors';
import type { LinkTarget, StreamIdentity } from '../../../data-plane/link/frame-channel';
import { type LinkCredential, serverNameOf } from '../../../data-plane/link/link-credential';
import { ALPN_PROTOCOL, attemptContext, certificateUri } from './attempt-context';

/** Connects to one rank of one attempt, and refuses every other peer. */
export function dialSecurely(
  { address, rank }: LinkTarget,
  { runId, fence, key }: Omit<StreamIdentity, 'fromRank'>,
  credential: LinkCredential,
): TLSSocket {
  const { host, port = 443 } = splitHostPort(address);
  const expected = rankUri({ runId, fence, rank });
  const socket = connect({
    host,
    port,
    servername: serverNameOf(key),
    secureContext: attemptContext(credential),
    ALPNProtocols: [ALPN_PROTOCOL],
    // This replaces the check of host names, which say nothing about a rank. The chain up to the attempt's authority is
    // checked as well.
    checkServerIdentity: (_, { subjectaltname }) => {
      const shown = certificateUri(subjectaltname);
      return shown === expected ? undefined : peerUnexpected(address, expected, shown);
    },
  });
  // Nothing may be sent before the peer has shown who it is, whatever Node does with writes during a handshake.
  socket.cork();
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol === ALPN_PROTOCOL) socket.uncork();
    else socket.destroy(peerUnexpected(address, expected, 'somebody who does not speak HTTP/2'));
  });
  return socket;
}
