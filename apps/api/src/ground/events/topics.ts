import { z } from 'zod';
import type { EventRow } from './events.repository';

/** The topics that a browser tab may ask for: everything of a kind, or one run or agent. */
const TOPIC = /^(runs|agents|queue|datasets|(run|agent):[A-Za-z0-9_-]{1,64})$/;
const TOPICS_MAX = 50;
/** Each run is read twice a second. */
const RUNS_MAX = 10;

export const topicsSchema = z
  .string()
  .max(5_000)
  .transform((text) => text.split(','))
  .pipe(
    z
      .array(z.string().regex(TOPIC, 'must be of runs, run:ID, agents, agent:ID, queue, datasets'))
      .max(TOPICS_MAX, `must be at most ${TOPICS_MAX}`)
      .refine((topics) => topics.filter(isRun).length <= RUNS_MAX, `must have at most ${RUNS_MAX} of run:ID`),
  )
  .transform((topics): ReadonlySet<string> => new Set(topics));

function isRun(topic: string): boolean {
  return topic.startsWith('run:');
}

/** The most specific topic among `topics` that an event belongs to; undefined if it belongs to none of them. */
export function topicOf(event: EventRow, topics: ReadonlySet<string>): string | undefined {
  return topicsOf(event).find((topic) => topics.has(topic));
}

/** The most specific topic comes first. */
function topicsOf({ type, runId, subject, data }: EventRow): string[] {
  const kind = type.split('.')[0];
  if (kind === 'agent') return [`agent:${subject}`, 'agents'];
  if (kind === 'dataset') return ['datasets'];
  if (runId === null) return [];
  return [`run:${runId}`, 'runs', ...(movesQueue(type, data) ? ['queue'] : [])];
}

/** Whether a run enters the queue or leaves it. */
function movesQueue(type: string, data: unknown): boolean {
  if (type !== 'run.state' || typeof data !== 'object' || data === null) return false;
  const { from, state } = data as { from?: unknown; state?: unknown };
  return from === 'queued' || state === 'queued';
}

/** The ids in topics such as `run:ID`. */
export function idsOf(topics: ReadonlySet<string>, kind: 'run' | 'agent'): string[] {
  const prefix = `${kind}:`;
  return [...topics].filter((topic) => topic.startsWith(prefix)).map((topic) => topic.slice(prefix.length));
}
