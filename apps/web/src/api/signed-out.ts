type Listener = () => void;

const listeners = new Set<Listener>();

/** Calls `listener` whenever the API no longer knows the session; returns how to stop. */
export function onSignedOut(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function announceSignedOut(): void {
  for (const listener of listeners) listener();
}
