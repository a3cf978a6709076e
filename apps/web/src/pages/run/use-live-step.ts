import type { RunBody } from '@millrace/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useLive } from '../../live/live-provider';
import { livePoint } from './charts/live-points';

/** A step has no event of its own: the header shows the step of the newest live point, as the chart does. */
export function useLiveStep(runId: string): void {
  const queries = useQueryClient();
  useLive([`run:${runId}`], (event) => {
    if (event.runId !== runId) return;
    const point = livePoint(event.type, event.data);
    if (point?.name !== 'train/loss') return;
    queries.setQueryData<RunBody>(['run', runId], (run) => (run === undefined ? run : { ...run, step: point.step }));
  });
}
