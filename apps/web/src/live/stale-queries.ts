import type { StreamMessage } from '@millrace/contracts';

export type QueryKey = readonly string[];

/** Come often and are appended by who shows them, instead of asking for everything again. */
const STREAMED = ['run.metric', 'run.log', 'run.timeline', 'agent.telemetry'];

/** Which answers an event makes stale. Keys are prefixes: ['run', id] stands for all that is shown of the run. */
export function staleQueries({ type, topic, runId, subject, data }: StreamMessage): QueryKey[] {
  if (STREAMED.includes(type)) return [];
  const area = type.split('.')[0];
  if (area === 'run') {
    const id = runId ?? idOfTopic(topic) ?? textAt(data, 'runId') ?? subject;
    // Among all runs the newest are asked for again; what is deleted may be an older one.
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

/** `run:run_4h2k` is about run_4h2k. */
function idOfTopic(topic: string | undefined): string | undefined {
  return topic?.split(':')[1];
}

function textAt(data: unknown, key: string): string | undefined {
  const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
