import {
  createPostgresBackend,
  createRedisBackend,
  type Job,
  type JobsOptions,
  type JobType,
  withBackend,
} from 'bullmq';
import type { ApiConfig } from '../../ground/config/api-config';

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

/** Opens a queue and its worker: on Redis if it is configured, else on the database that exists anyway. */
export function openQueue({ name, config, concurrency, process, onError }: QueueRequest): {
  queue: JobQueue;
  worker: JobWorker;
} {
  const { databaseUrl, redisUrl } = config;
  const options = { concurrency, maxStalledCount: MAX_STALLED_COUNT };
  if (redisUrl === undefined) {
    const connection = { ...serverOf(databaseUrl), schema: SCHEMA, migrate: true, max: POOL_CONNECTIONS_MAX };
    const bull = withBackend(createPostgresBackend);
    const queue = new bull.Queue(name, { connection, streams: STREAMS });
    const worker = new bull.Worker(name, process, { connection, ...options });
    // Without a listener an emitted error would end the process.
    queue.on('error', onError);
    worker.on('error', onError);
    worker.on('failed', (_, error) => onError(error));
    return { queue, worker };
  }
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  const bull = withBackend(createRedisBackend);
  const queue = new bull.Queue(name, { connection, streams: STREAMS });
  const worker = new bull.Worker(name, process, { connection, ...options });
  queue.on('error', onError);
  worker.on('error', onError);
  worker.on('failed', (_, error) => onError(error));
  return { queue, worker };
}

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
