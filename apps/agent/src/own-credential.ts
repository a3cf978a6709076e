import { type Logger, systemClock } from '@millrace/core';
import type { AgentConfig } from './config/agent-config';
import type { AgentHome } from './config/agent-home';
import { givenToken } from './config/given-token';
import { EnrolmentClient } from './grpc/enrolment-client';
import { channelCredentials, readAuthority } from './grpc/grpc-options';
import { enrol } from './session/enrol';
import { tlsMismatch } from './session/tls-mismatch';

interface CredentialParts {
  readonly home: AgentHome;
  /** The device's number on its host. */
  readonly device: number;
  readonly logger: Logger;
}

/**
 * Returns this agent's own credential. The token that it was started with may be an admin's, and is used only to get
 * one.
 */
export async function ownCredential(config: AgentConfig, { home, device, logger }: CredentialParts): Promise<string> {
  const client = new EnrolmentClient({
    address: config.join,
    credentials: channelCredentials(config.tlsCa),
    now: () => systemClock.now(),
  });
  const request = { agentId: home.agentId(), host: config.host, device };
  try {
    return await enrol({
      ask: (token) => client.enrol(token, request),
      token: () => givenToken(config),
      tokenFile: config.tokenFile,
      explain: () => tlsMismatch({ address: config.join, authority: authorityOf(config.tlsCa) }),
      known: home.credential(),
      keep: (credential) => home.keepCredential(credential),
      clock: systemClock,
      random: Math.random,
      logger,
    });
  } finally {
    client.close();
  }
}

function authorityOf(ca: string | undefined): { name: string; pem: Buffer | undefined } | undefined {
  if (ca === undefined) return undefined;
  return ca === 'system' ? { name: 'this machine', pem: undefined } : { name: ca, pem: readAuthority(ca) };
}
