import { AppError } from '@millrace/core';

/** What the network needs to know of a frame; the agent's Frame is one. */
interface NetworkFrame {
  readonly edge: string;
  readonly step: number;
  readonly microBatch: number;
  readonly chunk: number;
  readonly fromRank: number;
  readonly rollbacks: number;
}

type Key<F extends NetworkFrame> = Pick<F, 'edge' | 'step' | 'microBatch' | 'chunk' | 'fromRank' | 'rollbacks'>;

interface Waiter<F extends NetworkFrame> {
  readonly key: Key<F>;
  resolve(frame: F): void;
  reject(error: unknown): void;
}

interface Endpoint<F extends NetworkFrame> {
  readonly frames: Map<string, F>;
  readonly waiters: Map<string, Waiter<F>>;
  readonly last: Map<number, { key: Key<F>; atMs: number }>;
  /** Frames with fewer are dropped. */
  rollbacks: number;
}

/** The transport of one rank, in the form that an agent's stage executor takes. */
export interface InMemoryTransport<F extends NetworkFrame> {
  send(toRank: number, frame: F): Promise<void>;
  receive(key: Key<F>): Promise<F>;
  dropBefore(rollbacks: number): void;
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
      dropBefore: (rollbacks) => this.dropBefore(rank, rollbacks),
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
    const { edge, step, microBatch, chunk, rollbacks } = frame;
    const last = { edge, step, microBatch, chunk, fromRank, rollbacks };
    endpoint.last.set(fromRank, { key: last, atMs: this.options.now?.() ?? 0 });
    if (rollbacks < endpoint.rollbacks) return;
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
    if (key.rollbacks < endpoint.rollbacks) return Promise.reject(frameDropped(text));
    return new Promise((resolve, reject) => endpoint.waiters.set(text, { key, resolve, reject }));
  }

  private dropBefore(rank: number, rollbacks: number): void {
    const endpoint = this.endpoint(rank);
    endpoint.rollbacks = rollbacks;
    for (const [text, frame] of endpoint.frames) if (frame.rollbacks < rollbacks) endpoint.frames.delete(text);
    for (const [text, { key, reject }] of endpoint.waiters) {
      if (key.rollbacks >= rollbacks) continue;
      endpoint.waiters.delete(text);
      reject(frameDropped(text));
    }
  }

  /** How many frames of each rank came and were not taken. */
  untaken(): number[] {
    return [...this.endpoints.values()].map(({ frames }) => frames.size);
  }

  private endpoint(rank: number): Endpoint<F> {
    let endpoint = this.endpoints.get(rank);
    if (endpoint === undefined) {
      endpoint = { frames: new Map(), waiters: new Map(), last: new Map(), rollbacks: 0 };
      this.endpoints.set(rank, endpoint);
    }
    return endpoint;
  }
}

function keyText(key: NetworkFrame): string {
  return `${key.fromRank}/${key.edge}/${key.step}/${key.microBatch}/${key.chunk}/${key.rollbacks}`;
}

function frameDropped(key: string): AppError {
  return new AppError({ code: 'DATA_PLANE.FRAME_DROPPED', kind: 'aborted', message: `${key} was rolled back` });
}
