/** What the network needs to know of a frame; the agent's Frame is one. */
interface NetworkFrame {
  readonly edge: string;
  readonly step: number;
  readonly microBatch: number;
  readonly chunk: number;
  readonly fromRank: number;
}

type Key<F extends NetworkFrame> = Pick<F, 'edge' | 'step' | 'microBatch' | 'chunk' | 'fromRank'>;

interface Endpoint<F extends NetworkFrame> {
  readonly frames: Map<string, F>;
  readonly waiters: Map<string, { resolve(frame: F): void; reject(error: unknown): void }>;
  readonly last: Map<number, { key: Key<F>; atMs: number }>;
}

/** The transport of one rank, in the form that an agent's stage executor takes. */
export interface InMemoryTransport<F extends NetworkFrame> {
  send(toRank: number, frame: F): Promise<void>;
  receive(key: Key<F>): Promise<F>;
  lastFrom(rank: number): { readonly key: Key<F>; readonly atMs: number } | undefined;
}

export interface InMemoryNetworkOptions<F> {
  /** Called with each frame as it is sent; a test may delay it, or fail it by throwing. */
  readonly onSend?: (fromRank: number, toRank: number, frame: F) => Promise<void> | void;
  readonly now?: () => number;
}

/** Ranks of one attempt in one process: frames change hands in order, without copies and without bounds. */
export class InMemoryNetwork<F extends NetworkFrame> {
  private readonly endpoints = new Map<number, Endpoint<F>>();
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly options: InMemoryNetworkOptions<F> = {}) {}

  transport(rank: number): InMemoryTransport<F> {
    return {
      send: (toRank, frame) => this.send(rank, toRank, frame),
      receive: (key) => this.receive(rank, key),
      lastFrom: (from) => this.endpoint(rank).last.get(from),
    };
  }

  /** Every wait, now and later, rejects. */
  fail(error: unknown): void {
    this.failure ??= { error };
    for (const { waiters } of this.endpoints.values()) {
      for (const waiter of waiters.values()) waiter.reject(error);
      waiters.clear();
    }
  }

  private async send(fromRank: number, toRank: number, frame: F): Promise<void> {
    const hold = this.options.onSend?.(fromRank, toRank, frame);
    if (hold !== undefined) await hold;
    if (this.failure !== undefined) throw this.failure.error;
    const endpoint = this.endpoint(toRank);
    const { edge, step, microBatch, chunk } = frame;
    endpoint.last.set(fromRank, { key: { edge, step, microBatch, chunk, fromRank }, atMs: this.options.now?.() ?? 0 });
    const key = keyText(frame);
    const waiter = endpoint.waiters.get(key);
    endpoint.waiters.delete(key);
    if (waiter === undefined) endpoint.frames.set(key, frame);
    else waiter.resolve(frame);
  }

  private receive(rank: number, key: Key<F>): Promise<F> {
    const endpoint = this.endpoint(rank);
    const text = keyText(key);
    const frame = endpoint.frames.get(text);
    endpoint.frames.delete(text);
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.failure !== undefined) return Promise.reject(this.failure.error);
    return new Promise((resolve, reject) => endpoint.waiters.set(text, { resolve, reject }));
  }

  private endpoint(rank: number): Endpoint<F> {
    let endpoint = this.endpoints.get(rank);
    if (endpoint === undefined) {
      endpoint = { frames: new Map(), waiters: new Map(), last: new Map() };
      this.endpoints.set(rank, endpoint);
    }
    return endpoint;
  }
}

function keyText(key: NetworkFrame): string {
  return `${key.fromRank}/${key.edge}/${key.step}/${key.microBatch}/${key.chunk}`;
}
