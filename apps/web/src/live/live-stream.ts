import type { StreamMessage } from '@millrace/contracts';

export type StreamListener = (event: StreamMessage) => void;
export type ConnectionListener = (isConnected: boolean) => void;

const TOPICS_SETTLE_MS = 50;
const REOPEN_MS = 2_000;

/**
 * The one event stream of this browser tab. Pages ask for topics while they are shown. When the set of topics changes,
 * the stream is opened again from the last sequence seen, so that no event is lost in between.
 */
export class LiveStream {
  private readonly wanted = new Map<string, number>();
  private readonly listeners = new Set<StreamListener>();
  private readonly connectionListeners = new Set<ConnectionListener>();
  private source: EventSource | undefined;
  private openTopics = '';
  private lastSequence: string | undefined;
  private timer: number | undefined;
  private isConnected = false;

  /** Asks for topics; the function that it returns stops asking. */
  follow(topics: readonly string[]): () => void {
    for (const topic of topics) this.wanted.set(topic, (this.wanted.get(topic) ?? 0) + 1);
    this.later(TOPICS_SETTLE_MS);
    return () => {
      for (const topic of topics) {
        const count = (this.wanted.get(topic) ?? 1) - 1;
        if (count === 0) this.wanted.delete(topic);
        else this.wanted.set(topic, count);
      }
      this.later(TOPICS_SETTLE_MS);
    };
  }

  listen(listener: StreamListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  onConnection(listener: ConnectionListener): () => void {
    this.connectionListeners.add(listener);
    listener(this.isConnected);
    return () => void this.connectionListeners.delete(listener);
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
    this.openTopics = '';
    this.setConnected(false);
  }

  private later(ms: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), ms);
  }

  private open(): void {
    const topics = [...this.wanted.keys()].sort().join(',');
    if (topics === this.openTopics && this.source !== undefined && this.source.readyState !== EventSource.CLOSED)
      return;
    this.source?.close();
    this.source = undefined;
    this.openTopics = topics;
    if (topics === '') return this.setConnected(false);
    const query = new URLSearchParams({ topics });
    if (this.lastSequence !== undefined) query.set('after', this.lastSequence);
    const source = new EventSource(`/api/v1/events?${query.toString()}`);
    this.source = source;
    source.addEventListener('open', () => this.setConnected(true));
    source.addEventListener('message', (message: MessageEvent<string>) => this.receive(message));
    source.addEventListener('error', () => {
      this.setConnected(false);
      // A browser reconnects by itself when a connection breaks, but not after an answer that is no event stream.
      if (source.readyState === EventSource.CLOSED && this.source === source) this.later(REOPEN_MS);
    });
  }

  private receive({ data, lastEventId }: MessageEvent<string>): void {
    if (lastEventId !== '') this.lastSequence = lastEventId;
    const event = JSON.parse(data) as StreamMessage;
    for (const listener of this.listeners) listener(event);
  }

  private setConnected(isConnected: boolean): void {
    if (this.isConnected === isConnected) return;
    this.isConnected = isConnected;
    for (const listener of this.connectionListeners) listener(isConnected);
  }
}
