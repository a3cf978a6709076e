import { queryDatabase } from '../../../tests/e2e/support/cluster-database';
import type { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import { createSmallDataset, smallRun } from '../../../tests/e2e/support/small-run';

export const RUN_COUNT = 10_000;
export const POINT_COUNT = 1_000_000;

/**
 * Copies of one run, ended in every way, and points of it, straight into the tables: nobody trains for them.
 * @returns the run with the points
 */
export async function fillDatabase(cluster: LiveCluster): Promise<string> {
  await createSmallDataset(cluster.client);
  // Of more stages than there are devices, so that it waits until it is cancelled.
  const { id } = await cluster.client.submitRun(smallRun('many-points'));
  await cluster.client.actOnRun(id, 'cancel');
  await queryDatabase(cluster.home, COPY_RUNS, [id, RUN_COUNT - 1]);
  await queryDatabase(cluster.home, ADD_POINTS, [id, POINT_COUNT]);
  await queryDatabase(cluster.home, 'UPDATE "Run" SET "step" = $2 WHERE "id" = $1', [id, POINT_COUNT]);
  await queryDatabase(cluster.home, 'ANALYZE');
  return id;
}

const COPY_RUNS = `
  INSERT INTO "Run" ("id", "name", "project", "queue", "priority", "state", "reason", "spec", "datasetId", "step",
    "createdAt", "updatedAt", "startedAt", "finishedAt")
  SELECT 'run_' || lpad(n::text, 16, '0'), 'sweep-' || md5(n::text), "project", "queue", "priority",
    (ARRAY['succeeded', 'failed', 'cancelled'])[1 + n % 3],
    jsonb_build_object('code', 'EXAMPLE', 'message', 'copied to be listed, number ' || n), "spec", "datasetId", n % 13,
    now() - n * interval '1 minute', now(), now() - n * interval '1 minute',
    now() - n * interval '1 minute' + (n % 97) * interval '1 second'
  FROM "Run", generate_series(1, $2::int) AS n WHERE "id" = $1`;

/** A loss that falls, with the noise of a small batch. */
const ADD_POINTS = `
  INSERT INTO "MetricPoint" ("runId", "name", "step", "value", "time", "fence")
  SELECT $1, 'train/loss', n, 1.5 + 3 * exp(-n / 150000.0) + 0.3 * random(), now(), 1
  FROM generate_series(1, $2::int) AS n`;
