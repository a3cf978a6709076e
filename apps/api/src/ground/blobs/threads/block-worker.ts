import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { FileBlockStore, storageFailed } from '@millrace/checkpoint';
import { systemClock } from '@millrace/core';
import { serveWork } from '../../concurrency/serve-work';
import { againAfterDiskErrors } from '../store-retry';

/** Blocks are hashed whenever they are stored or read. `nowMs` is the time at which a block counts as stored. */
export type BlockTask =
  | {
      readonly operation: 'put';
      readonly folder: string;
      /** See ApiConfig. */
      readonly fullDisk?: string | undefined;
      readonly nowMs: number;
      readonly sha256: string;
      readonly bytes: Uint8Array;
    }
  | { readonly operation: 'get'; readonly folder: string; readonly sha256: string };

/** The bytes of a block, if it was read. */
export type BlockAnswer = Uint8Array<ArrayBuffer> | undefined;

serveWork(
  (task: BlockTask) => againAfterDiskErrors(systemClock, () => perform(task)),
  (bytes) => (bytes === undefined ? [] : [bytes.buffer]),
);

async function perform(task: BlockTask): Promise<BlockAnswer> {
  if (task.operation === 'get') return ownBytes(await new FileBlockStore(task.folder).get(task.sha256));
  await meetFullDisk(task);
  await new FileBlockStore(task.folder, { now: () => task.nowMs }).put(task.sha256, task.bytes);
  return undefined;
}

/** The kernel itself says that there is no room. */
async function meetFullDisk({ folder, fullDisk, bytes }: Extract<BlockTask, { operation: 'put' }>): Promise<void> {
  if (fullDisk === undefined || !existsSync(fullDisk)) return;
  try {
    await writeFile('/dev/full', bytes);
  } catch (error) {
    throw storageFailed(folder, error);
  }
}

/** Small files are read into a part of a buffer that others use too, and that must not be handed over. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return whole ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}
