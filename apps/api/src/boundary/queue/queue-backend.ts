import {
  createPostgresBackend,
  createRedisBackend,
  type Job,
  type JobsOptions,
  type JobType,
  withBackend,
} from 'bullmq';
import type { ApiConfig } from '../../ground/config/api-config';
import { CONNECTION_BOUNDS } from '../../ground/database/connection-bounds';

/** The schema of the queue's tables, which are kept apart from those of Prisma. */
const SCHEMA = 'bullmq';
const POOL_CONNECTIONS_MAX = 3;
const MAX_STALLED_COUNT = 5;
/** Nobody reads the queue's events, of which every command makes four: only one is kept. */
const STREAMS = { events: { maxLen: 1 } };

/** The part of BullMQ that is used, which is the same for every store. */
export interface JobQueue {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: object; opts: JobsOptions },
  ): Promise<unknown>;
  /** Counts the jobs in each of the given states. */
  getJobCounts(...states: JobType[]): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export interface JobWorker {
  close(): Promise<void>;
}

export interface QueueRequest {
  readonly name: string;
  readonly config: Pick<ApiConfig, 'databaseUrl' | 'redisUrl'>;
  readonly concurrency: number;
  readonly process: (job: Pick<Job, 'name'>) => Promise<void>;
  /**
   * Called for errors of the connection and for failed commands. The next periodic command makes up for a failed one,
   * but somebody should know why it failed.
   */
  readonly onError: (error: Error) => void;
}

export interface OpenedQueue {
  readonly queue: JobQueue;
  readonly worker: JobWorker;
}

/**
 * Opens a queue and its worker: on Redis if it is configured, else on the database that exists anyway. Rejects if the
 * server cannot be reached.
 */
export async function openQueue({ name, config, concurrency, process, onError }: QueueRequest): Promise<OpenedQueue> {
  const { databaseUrl, redisUrl } = config;
  // A worker whose first connection fails would try again without a pause, and leave no turn of the event loop.
  const options = { concurrency, maxStalledCount: MAX_STALLED_COUNT, autorun: false };
  if (redisUrl === undefined) {
    const server = { ...serverOf(databaseUrl), ...CONNECTION_BOUNDS, max: POOL_CONNECTIONS_MAX };
    const connection = { ...server, schema: SCHEMA, migrate: true };
    const bull = withBackend(createPostgresBackend);
    const queue = new bull.Queue(name, { connection, streams: STREAMS });
    return started(queue, new bull.Worker(name, process, { connection, ...options }), onError);
  }
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  const bull = withBackend(createRedisBackend);
  const queue = new bull.Queue(name, { connection, streams: STREAMS });
  return started(queue, new bull.Worker(name, process, { connection, ...options }), onError);
}

interface Emitter {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
}

async function started(
  queue: JobQueue & Emitter,
  worker: JobWorker & Emitter & { run(): Promise<void>; on(event: 'failed', listener: FailedListener): unknown },
  onError: (error: Error) => void,
): Promise<OpenedQueue> {
  // Without a listener an emitted error would end the process.
  queue.on('error', onError);
  worker.on('error', onError);
  worker.on('failed', (_, error) => onError(error));
  const ready = [queue.waitUntilReady(), worker.waitUntilReady()];
  // One that fails leaves the other at work, whose error would be nobody's.
  await Promise.allSettled(ready);
  await Promise.all(ready);
  worker.run().catch(onError);
  return { queue, worker };
}

type FailedListener = (job: unknown, error: Error) => void;

/**
 * BullMQ finds its tables by a search path that it adds to the `options` of the connection. `options` in the address
 * would replace the search path, so that they are taken out of the address and passed beside it.
 */
function serverOf(databaseUrl: string): { connectionString: string; options?: string } {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  const options = url?.searchParams.get('options');
  if (url === undefined || !options) return { connectionString: databaseUrl };
  url.searchParams.delete('options');
  return { connectionString: url.href, options };
}
