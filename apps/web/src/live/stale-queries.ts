import type { StreamMessage } from '@millrace/contracts';

export type QueryKey = readonly string[];

/** Events that come often: the component that shows them appends them, instead of asking for everything again. */
const STREAMED = ['run.metric', 'run.log', 'run.timeline', 'agent.telemetry'];

/**
 * The queries whose answers an event makes stale. Keys are prefixes: ['run', id] means everything that is shown of the
 * run.
 */
export function staleQueries({ type, topic, runId, subject, data }: StreamMessage): QueryKey[] {
  if (STREAMED.includes(type)) return [];
  const area = type.split('.')[0];
  if (area === 'run') {
    const id = runId ?? idOfTopic(topic) ?? textAt(data, 'runId') ?? subject;
    // Normally only the newest of all runs are asked for again; but a run that was deleted may be an older one.
    const all = type === 'run.deleted' ? [['all-runs']] : [];
    return [['runs'], ['overview'], ...all, ...(id === undefined ? [] : [['run', id]])];
  }
  if (area === 'agent') {
    const id = idOfTopic(topic) ?? textAt(data, 'agentId') ?? subject;
    return [['agents'], ['overview'], ...(id === undefined ? [] : [['agent', id]])];
  }
  if (area === 'dataset') return [['datasets']];
  if (area === 'checkpoint') return [['checkpoints']];
  if (area === 'queue') return [['overview']];
  return [];
}

/** Example: the topic `run:run_4h2k` has the id run_4h2k. */
function idOfTopic(topic: string | undefined): string | undefined {
  return topic?.split(':')[1];
}

function textAt(data: unknown, key: string): string | undefined {
  const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
