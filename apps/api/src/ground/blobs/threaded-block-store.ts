import { FileBlockStore } from '@millrace/checkpoint';
import type { Clock } from '@millrace/core';
import { workerFile } from '../concurrency/worker-file';
import { WorkerPool } from '../concurrency/worker-pool';
import { blocksUnanswered } from './blobs.errors';
import { againAfterDiskErrors } from './store-retry';
import type { BlockAnswer, BlockTask } from './threads/block-worker';

/** With two threads, one hashes while the other waits for the disk. */
const THREADS_MAX = 2;
/** Blocks have up to 16 MiB; a caller that sends more of them at a time is told to wait. */
const WAITING_MAX = 256;
const BLOCK_MS_MAX = 120_000;
const HEAP_MIB_MAX = 256;

export interface ThreadedBlockStoreSettings {
  readonly clock: Clock;
  /** See ApiConfig. */
  readonly fullDisk?: string | undefined;
}

/** Stores blocks as files and hashes them on threads: hashing 16 MiB on the event loop would block it noticeably. */
export class ThreadedBlockStore extends FileBlockStore {
  private readonly threads: WorkerPool<BlockTask>;

  constructor(
    private readonly root: string,
    private readonly settings: ThreadedBlockStoreSettings,
  ) {
    const { clock } = settings;
    super(root, clock);
    this.threads = new WorkerPool({
      file: workerFile(`${__dirname}/threads`, 'block-worker'),
      clock,
      threadsMax: THREADS_MAX,
      waitingMax: WAITING_MAX,
      timeoutMs: BLOCK_MS_MAX,
      heapMibMax: HEAP_MIB_MAX,
      unanswered: (why, { sha256 }) => blocksUnanswered(sha256, why),
    });
  }

  /** A buffer that contains nothing but `bytes` is handed over: nobody may use it afterwards. */
  override async put(sha256: string, bytes: Uint8Array): Promise<void> {
    const { root: folder } = this;
    const { clock, fullDisk } = this.settings;
    const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
    // For a view, the whole buffer behind it would be copied.
    const given = whole ? bytes : Uint8Array.from(bytes);
    await this.ask({ operation: 'put', folder, fullDisk, nowMs: clock.now(), sha256, bytes: given }, [
      given.buffer as ArrayBuffer,
    ]);
  }

  override async get(sha256: string): Promise<Uint8Array> {
    return (await this.ask({ operation: 'get', folder: this.root, sha256 })) ?? new Uint8Array();
  }

  override has(sha256: string): Promise<boolean> {
    return againAfterDiskErrors(this.settings.clock, () => super.has(sha256));
  }

  close(): Promise<void> {
    return this.threads.close();
  }

  private ask(task: BlockTask, transfer: ArrayBuffer[] = []): Promise<BlockAnswer> {
    return this.threads.run(task, transfer);
  }
}
