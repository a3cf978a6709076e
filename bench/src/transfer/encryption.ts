import { makeGangCredentials } from '../../../apps/api/src/ground/tls/gang-credentials';
import type { LinkCredential } from '../../../apps/agent/src/data-plane/link/link-credential';

/** What both ends of a measured link are given; index = rank. Without it they speak in plain text. */
export type Encryption = readonly LinkCredential[] | undefined;

export const RUN = { runId: 'run_bench', fence: 1, key: 'a key that both ends of this benchmark know' };

export async function makeEncryption(): Promise<Encryption> {
  const peers = [0, 1].map((rank) => ({ rank, agentId: `agent_${rank}`, address: `192.0.2.${rank}:1` }));
  return makeGangCredentials({ ...RUN, peers }, Date.now());
}

/** How a sender hands it to its receiver. */
export function toArgument(encryption: Encryption): string {
  return JSON.stringify(encryption ?? null);
}

export function fromArgument(text: string | undefined): Encryption {
  return (JSON.parse(text ?? 'null') as LinkCredential[] | null) ?? undefined;
}
