import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, describeError } from '@millrace/core';

/** A log that gets longer than this becomes the older one of two files. */
export const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOOK_MS = 10_000;

export interface LogsOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly say: (text: string) => void;
  readonly bytesMax?: number;
}

/**
 * Watches the logs of a home while their processes write them. The processes keep their files open in append mode: the
 * content of a file is copied to NAME.log.1, and the file is truncated. A line that is written in between is lost.
 * @returns a function that stops it
 */
export function keepLogsShort({ folder, clock, say, bytesMax = LOG_BYTES_MAX }: LogsOptions): () => void {
  let cancel: () => void;
  let wasTold = false;
  const look = (): void => {
    try {
      for (const name of readdirSync(folder)) if (name.endsWith('.log')) shorten(join(folder, name), bytesMax);
    } catch (error) {
      // The next check tries again; a full disk must not end the cluster.
      if (!wasTold) say(`the logs in ${folder} cannot be kept short: ${describeError(error)}`);
      wasTold = true;
    }
    cancel = clock.after(LOOK_MS, look);
  };
  cancel = clock.after(LOOK_MS, look);
  return () => cancel();
}

function shorten(path: string, bytesMax: number): void {
  if (statSync(path).size <= bytesMax) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
}
