import { setTimeout as sleep } from 'node:timers/promises';
import type { NvidiaSmiParseError } from '../parse-error';
import type { NvidiaSmiReport } from '../report';
import { backoffMs } from './backoff-ms';
import type { NvidiaSmiCommandError } from './command-error';
import type { QueryOptions } from './query-nvidia-smi';
import { queryNvidiaSmi } from './query-nvidia-smi';
import { CommandRunner } from './run-command';

export interface WatchOptions extends Omit<QueryOptions, 'signal'> {
  /** From the end of one run to the start of the next. Default 5 s. */
  readonly intervalMs?: number;
  /** After a failure the pause doubles up to this. Default 5 min. */
  readonly backoffMsMax?: number;
  /** Ends the watch, and the run that is under way. */
  readonly signal: AbortSignal;
  readonly onReport: (report: NvidiaSmiReport) => void;
  /** One call for each failed run; the watch goes on. */
  readonly onError: (error: NvidiaSmiCommandError | NvidiaSmiParseError) => void;
}

/** Runs nvidia-smi again and again, one at a time. Resolves once the signal has ended it and no process is left. */
export async function watchNvidiaSmi(options: WatchOptions): Promise<void> {
  const { intervalMs = 5000, backoffMsMax = 300_000, signal, onReport, onError, ...query } = options;
  const runner = new CommandRunner();
  let failureCount = 0;
  while (!signal.aborted) {
    const result = await attempt(() => queryNvidiaSmi({ ...query, signal }, runner));
    if (signal.aborted) return;
    if ('report' in result) {
      failureCount = 0;
      onReport(result.report);
    } else {
      failureCount++;
      onError(result.error);
    }
    await pause(backoffMs({ intervalMs, backoffMsMax, failureCount }), signal);
  }
}

type Attempt = { report: NvidiaSmiReport } | { error: NvidiaSmiCommandError | NvidiaSmiParseError };

async function attempt(query: () => Promise<NvidiaSmiReport>): Promise<Attempt> {
  try {
    return { report: await query() };
  } catch (error) {
    // The two classes are all that a query throws.
    return { error: error as NvidiaSmiCommandError | NvidiaSmiParseError };
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
