import type { UserRole } from '@millrace/contracts';

/** The caller: a user with one of their tokens, or an agent with its own credential. */
export interface Principal {
  readonly tokenId: string;
  readonly role: UserRole | 'agent';
  /** Null for an agent. */
  readonly user: { readonly id: string; readonly name: string } | null;
  /** Null for a user. */
  readonly agentId: string | null;
  readonly scope: readonly string[];
  /** When the token expires; null means never. */
  readonly expiresAt: Date | null;
  /** The id of the browser session, if it is one. */
  readonly sessionId: string | null;
  readonly sessionEndsAt: Date | null;
}
