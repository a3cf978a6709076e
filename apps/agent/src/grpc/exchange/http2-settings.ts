import type { ClientHttp2Session, ServerHttp2Session, SessionOptions } from 'node:http2';
import type { Clock } from '@millrace/core';

/** A message is at most a part of a payload and its header: see DEFAULT_LINK_LIMITS. */
export const MESSAGE_BYTES_MAX = 17 * 2 ** 20;
/** Credits hold a sender back long before this does. */
const WINDOW_BYTES = 64 * 2 ** 20;
const SESSION_MEMORY_MEGABYTES = 256;
const CONNECT_TIMEOUT_MS = 10_000;
const PING_INTERVAL_MS = 10_000;
const PING_TIMEOUT_MS = 10_000;

export const HTTP2_OPTIONS: SessionOptions = {
  settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
  maxSessionMemory: SESSION_MEMORY_MEGABYTES,
};

/** Both ends: the connection's own window; without it a stream reaches half the speed. */
export function widenWindow(session: ClientHttp2Session | ServerHttp2Session): void {
  session.setLocalWindowSize(WINDOW_BYTES);
}

/** Destroys a session whose peer does not accept it, or falls silent: a machine that is gone sends no farewell. */
export function watchSession(session: ClientHttp2Session, clock: Clock): void {
  let cancel = clock.after(CONNECT_TIMEOUT_MS, () => session.destroy(new Error('no answer to the connection')));
  const ping = (): void => {
    if (session.destroyed) return;
    cancel = clock.after(PING_TIMEOUT_MS, () => session.destroy(new Error('no answer to a ping')));
    session.ping(() => {
      cancel();
      if (!session.destroyed) cancel = clock.after(PING_INTERVAL_MS, ping);
    });
  };
  session.once('connect', () => {
    cancel();
    cancel = clock.after(PING_INTERVAL_MS, ping);
  });
  session.once('close', () => cancel());
}
