import type { SeriesBody } from '@millrace/contracts';
import { client } from './client';

interface SeriesQuery {
  readonly names: readonly string[];
  /** At most so many points of each; the API summarises more into buckets. */
  readonly points: number;
}

/** A run's metrics, down-sampled by the API. */
export function readSeries(runId: string, { names, points }: SeriesQuery): Promise<SeriesBody> {
  const query = { names: names.join(','), points };
  return client.connection.json(`/runs/${encodeURIComponent(runId)}/series`, { query });
}
