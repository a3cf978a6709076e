import type { EventBody, RunBody } from '@millrace/contracts';
import { type ReactNode, useEffect, useState } from 'react';
import { client } from '../../../api/client';
import { formatDateTime } from '../../../format/format-time';
import { useLive } from '../../../live/live-provider';
import { EmptyState } from '../../../ui/feedback/empty-state';
import { errorText } from '../../../ui/feedback/error-text';
import { Notice } from '../../../ui/feedback/notice';
import { LinkedText } from '../../../ui/linked-text';
import { Panel } from '../../../ui/panel';
import { eventText } from './event-text';

const QUIET_MS = 700;
const EVENTS_MAX = 5_000;

/** Lists what happened to the run, newest first. */
export function EventsTab({ run }: { readonly run: RunBody }): ReactNode {
  const { events, error } = useRunEvents(run.id);
  return (
    <Panel title="Events" isFlush note={`${events.length}`}>
      {error !== undefined && <Notice tone="bad">{error}</Notice>}
      {events.length === 0 && <EmptyState title="Nothing has happened yet." />}
      <ol className="list">
        {[...events].reverse().map(({ sequence, time, type, data }) => (
          <li key={sequence}>
            <time className="quiet nowrap" dateTime={time}>
              {formatDateTime(time)}
            </time>
            <code className="event-type">{type}</code>
            <span className="list-text">
              <LinkedText text={eventText({ type, data: withNumber(data, run) })} />
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

/** An attempt is numbered by its place in the run, since fences leave numbers out. */
function withNumber(data: unknown, { attempts }: RunBody): unknown {
  if (typeof data !== 'object' || data === null || !('fence' in data)) return data;
  const index = attempts.findIndex(({ fence }) => fence === data.fence);
  return index === -1 ? data : { ...data, number: index + 1 };
}

/**
 * Replays the run's own event stream from its beginning, and closes it when no more events come; later events come by
 * the stream of the browser tab.
 */
function useRunEvents(runId: string): { events: readonly EventBody[]; error: string | undefined } {
  const [events, setEvents] = useState<readonly EventBody[]>([]);
  const [error, setError] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    void replay(runId, abort, (found) => setEvents(found)).catch((cause: unknown) => {
      if (!abort.signal.aborted) setError(errorText(cause));
    });
    return () => abort.abort();
  }, [runId]);
  useLive([`run:${runId}`], (event) => {
    const { sequence } = event;
    if (event.runId !== runId || sequence === null || event.type === 'run.metric') return;
    setEvents((shown) =>
      shown.some((one) => one.sequence === sequence) ? shown : [...shown, { ...event, sequence }].slice(-EVENTS_MAX),
    );
  });
  return { events, error };
}

async function replay(runId: string, abort: AbortController, show: (events: EventBody[]) => void): Promise<void> {
  const found: EventBody[] = [];
  let timer = window.setTimeout(() => abort.abort(), QUIET_MS);
  try {
    for await (const event of client.runEvents(runId, { lastEventId: '0', signal: abort.signal })) {
      found.push(event);
      window.clearTimeout(timer);
      timer = window.setTimeout(() => abort.abort(), QUIET_MS);
      if (found.length >= EVENTS_MAX) break;
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    window.clearTimeout(timer);
    show(found);
  }
}
