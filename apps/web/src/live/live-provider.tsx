import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, createContext, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { LiveStream, type StreamListener } from './live-stream';
import { type QueryKey, staleQueries } from './stale-queries';

const LiveContext = createContext<LiveStream | undefined>(undefined);
/** A burst of events, such as at the start of a gang, asks for each stale answer only once in this time. */
const REFRESH_MS = 400;

/** Opens the event stream for everything below it, and asks again for the answers that an event makes stale. */
export function LiveProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const stream = useMemo(() => new LiveStream(), []);
  const queries = useQueryClient();
  useEffect(() => {
    const stale = new Map<string, QueryKey>();
    let timer: number | undefined;
    const refresh = (): void => {
      timer = undefined;
      for (const queryKey of stale.values()) void queries.invalidateQueries({ queryKey });
      stale.clear();
    };
    const unlisten = stream.listen((event) => {
      for (const key of staleQueries(event)) stale.set(key.join('/'), key);
      if (stale.size > 0) timer ??= window.setTimeout(refresh, REFRESH_MS);
    });
    return () => {
      unlisten();
      window.clearTimeout(timer);
      stream.close();
    };
  }, [stream, queries]);
  return <LiveContext.Provider value={stream}>{children}</LiveContext.Provider>;
}

/** Follows topics while the component is shown, and passes their events to `listener`. */
export function useLive(topics: readonly string[], listener?: StreamListener): void {
  const stream = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  const key = topics.join(',');
  useEffect(() => stream?.follow(key.split(',')), [stream, key]);
  useEffect(() => stream?.listen((event) => latest.current?.(event)), [stream]);
}

export function useIsLive(): boolean {
  const stream = useContext(LiveContext);
  const [isLive, setLive] = useState(false);
  useEffect(() => stream?.onConnection(setLive), [stream]);
  return isLive;
}

const WITHOUT_STREAM_MS = 4_000;
const WITH_STREAM_MS = 30_000;

/** How often to ask for an answer that events keep up to date: seldom while the stream is open. */
export function usePollMs(): number {
  return useIsLive() ? WITH_STREAM_MS : WITHOUT_STREAM_MS;
}
