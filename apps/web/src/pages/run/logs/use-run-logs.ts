import type { LogLineBody } from '@millrace/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { client } from '../../../api/client';
import { useIsLive, useLive } from '../../../live/live-provider';
import { errorText } from '../../../ui/feedback/error-text';

const PAGE_COUNT = 1_000;
const LINES_MAX = 50_000;
const SETTLE_MS = 250;
const POLL_MS = 10_000;
const WITHOUT_STREAM_MS = 2_000;

export interface RunLogs {
  readonly lines: readonly LogLineBody[];
  readonly isLoading: boolean;
  readonly error: string | undefined;
}

/** All log lines of a run, including new ones: an event tells that there are more to read. */
export function useRunLogs(runId: string): RunLogs {
  const [state, setState] = useState<RunLogs>({ lines: [], isLoading: true, error: undefined });
  const isLive = useIsLive();
  const queries = useQueryClient();
  const read = useRef<() => void>(() => undefined);
  useLive([`run:${runId}`], ({ type, topic, runId: about }) => {
    if (type === 'run.log' && (about === runId || topic === `run:${runId}`)) read.current();
  });
  useEffect(() => {
    let after: string | undefined;
    let timer: number | undefined;
    let isReading = false;
    let isOver = false;
    const readOn = async (): Promise<void> => {
      isReading = true;
      for (;;) {
        const page = await client.logs(runId, { limit: PAGE_COUNT, ...(after === undefined ? {} : { after }) });
        if (isOver) return;
        after = page.items.at(-1)?.id ?? after;
        setState(({ lines }) => ({
          lines: page.items.length === 0 ? lines : [...lines, ...page.items].slice(-LINES_MAX),
          isLoading: page.nextCursor !== null,
          error: undefined,
        }));
        if (page.nextCursor === null) break;
      }
      isReading = false;
    };
    const soon = (): void => {
      if (isReading || timer !== undefined) return;
      timer = window.setTimeout(() => {
        timer = undefined;
        void readOn().catch((error: unknown) => {
          isReading = false;
          if (!isOver) setState((shown) => ({ ...shown, isLoading: false, error: errorText(error) }));
        });
      }, SETTLE_MS);
    };
    read.current = soon;
    setState({ lines: [], isLoading: true, error: undefined });
    soon();
    const poll = window.setInterval(soon, isLive ? POLL_MS : WITHOUT_STREAM_MS);
    return () => {
      isOver = true;
      window.clearTimeout(timer);
      window.clearInterval(poll);
    };
  }, [runId, isLive, queries]);
  return state;
}
