import type { SeriesBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { client } from '../../../api/client';
import { useIsLive, useLive } from '../../../live/live-provider';
import { type LivePoint, livePoint } from './live-points';

const NAMES = ['train/loss', 'val/loss', 'train/tokens_per_second', 'train/grad_norm', 'train/lr'];
const POINTS = 600;
/** The summary is asked for again this often, so that live points do not pile up. */
const SUMMARY_MS = 20_000;
const WITHOUT_STREAM_MS = 2_000;
const DRAW_MS = 250;

/** A run's series: the API's summary and the points that came since. */
export function useRunSeries(
  runId: string,
  isOver: boolean,
): { body: SeriesBody | undefined; live: readonly LivePoint[] } {
  const isLive = useIsLive();
  const { data, dataUpdatedAt } = useQuery({
    queryKey: ['run', runId, 'series'],
    queryFn: () => client.series(runId, { names: NAMES, points: POINTS }),
    refetchInterval: isOver ? false : isLive ? SUMMARY_MS : WITHOUT_STREAM_MS,
  });
  const arrived = useRef<LivePoint[]>([]);
  const [live, setLive] = useState<readonly LivePoint[]>([]);
  useLive([`run:${runId}`], (event) => {
    const point =
      event.runId === runId || event.topic === `run:${runId}` ? livePoint(event.type, event.data) : undefined;
    if (point !== undefined) arrived.current.push(point);
  });
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (arrived.current.length === 0) return;
      const points = arrived.current.splice(0);
      setLive((shown) => [...shown, ...points]);
    }, DRAW_MS);
    return () => window.clearInterval(timer);
  }, []);
  // The new summary contains the live points that came before it.
  useEffect(() => setLive([]), [dataUpdatedAt]);
  return { body: data, live };
}
