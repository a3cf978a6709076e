/** A server that does not take a connection, or vanishes while it is idle, is noticed. */
export const REACH_BOUNDS = {
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;

/**
 * A server that vanishes without a word (a failover, a cut cable) must not keep the connections: each of these waits
 * ends with an error, after which the connection is closed.
 */
export const CONNECTION_BOUNDS = {
  ...REACH_BOUNDS,
  /** The server enforces these; it also ends a transaction that nobody continues. */
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 60_000,
  /** This end enforces it, because it hears nothing from a server that is gone. */
  query_timeout: 35_000,
} as const;
