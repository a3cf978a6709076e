import type { AttemptPlan } from '@millrace/contracts';
import { type AppError, isLoopback, splitHostPort } from '@millrace/core';
import type { LinkCredential } from '../data-plane/link/link-credential';
import { credentialMissing } from './attempt.errors';

/** Says why a plan cannot be executed, if it cannot: links that leave this machine need a certificate. */
export function credentialRefusal(
  peers: AttemptPlan['peers'],
  credential: LinkCredential | undefined,
): AppError | undefined {
  if (credential !== undefined || peers.length < 2) return undefined;
  const abroad = peers.map(({ address }) => address).filter((address) => !isLoopback(splitHostPort(address).host));
  return abroad.length === 0 ? undefined : credentialMissing(abroad);
}
