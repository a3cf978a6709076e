import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import { queryDatabase } from '../../../tests/e2e/support/cluster-database';

const KIB = 1024;
const BLOCK_NAME = /[0-9a-f]{64}$/;

export interface ProcessReading {
  readonly pid: number;
  readonly residentBytes: number;
  readonly handles: number;
  readonly threads: number;
}

export interface Reading {
  readonly minute: number;
  readonly runCount: number;
  readonly processes: Readonly<Record<string, ProcessReading>>;
  /** Bytes with indexes, by table; those of the queue under `bullmq`. */
  readonly tableBytes: Readonly<Record<string, number>>;
  /** Rows of tables whose rows nobody asked for. */
  readonly rows: Readonly<Record<string, number>>;
  readonly logBytes: number;
  /** Files in the block store. */
  readonly blockCount: number;
}

/** What the operating system and the database say of a cluster now. */
export async function read(
  cluster: LiveCluster,
  { minute, runCount, names }: { minute: number; runCount: number; names: readonly string[] },
): Promise<Reading> {
  const processes = Object.fromEntries(names.map((name) => [name, processReading(cluster.pid(name))]));
  const tables = (await queryDatabase(
    cluster.home,
    `SELECT CASE n.nspname WHEN 'bullmq' THEN 'bullmq' ELSE c.relname END AS name,
       sum(pg_total_relation_size(c.oid))::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname IN ('public', 'bullmq') GROUP BY 1 ORDER BY 2 DESC`,
  )) as { name: string; bytes: number }[];
  const [rows] = (await queryDatabase(
    cluster.home,
    `SELECT (SELECT count(*) FROM bullmq.event)::int AS "bullmq.event", (SELECT count(*) FROM bullmq.job)::int AS "bullmq.job",
       (SELECT count(*) FROM "BlockHold")::int AS "BlockHold", (SELECT count(*) FROM "Lease")::int AS "Lease",
       (SELECT count(*) FROM "IdempotencyKey")::int AS "IdempotencyKey",
       (SELECT count(*) FROM "FreedBlock")::int AS "FreedBlock",
       (SELECT count(DISTINCT "sha256") FROM "CheckpointBlock")::int AS "CheckpointBlock",
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())::int AS "pg_stat_activity"`,
  )) as [Record<string, number>];
  const tableBytes = Object.fromEntries(tables.map(({ name, bytes }) => [name, bytes]));
  const blocks = join(cluster.home, 'blobs', 'blocks');
  const blockCount = readdirSync(blocks, { recursive: true }).filter((path) => BLOCK_NAME.test(String(path))).length;
  const logBytes = folderBytes(join(cluster.home, 'logs'));
  return { minute, runCount, processes, tableBytes, rows, logBytes, blockCount };
}

function processReading(pid: number): ProcessReading {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return {
    pid,
    residentBytes: field('VmRSS') * KIB,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
  };
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
