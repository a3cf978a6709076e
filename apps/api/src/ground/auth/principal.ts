import type { UserRole } from '@millrace/contracts';

/** Who asks: a user by one of their tokens, or an agent by its own credential. */
export interface Principal {
  readonly tokenId: string;
  readonly role: UserRole | 'agent';
  /** Null for an agent. */
  readonly user: { readonly id: string; readonly name: string } | null;
  /** Null for a user. */
  readonly agentId: string | null;
  readonly scope: readonly string[];
  /** Of the token; null: never. */
  readonly expiresAt: Date | null;
  /** The browser session's row, if it is one. */
  readonly sessionId: string | null;
  readonly sessionEndsAt: Date | null;
}
