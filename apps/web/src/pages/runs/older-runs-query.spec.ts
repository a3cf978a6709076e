import { describe, expect, it } from 'vitest';
import { staleQueries } from '../../live/stale-queries';
import { olderRunsKey, olderRunsQuery } from './older-runs-query';

describe('the search among older runs', () => {
  it('begins where the loaded ones end, with the words and the state', () => {
    expect(olderRunsQuery({ text: ' sweep a ', state: 'failed' }, 'c1')).toEqual({
      ...{ limit: 1000, cursor: 'c1', search: 'sweep a', state: 'failed' },
    });
    expect(olderRunsQuery({ state: 'failed' }, 'c1')).toEqual({ limit: 1000, cursor: 'c1', state: 'failed' });
    expect(olderRunsQuery({ text: 'sweep', state: 'over' }, 'c1')).toEqual({
      ...{ limit: 1000, cursor: 'c1', search: 'sweep' },
    });
  });

  it('is not made where all are loaded, or for nothing that the API knows', () => {
    expect(olderRunsQuery({ text: 'sweep' }, null)).toBeUndefined();
    expect(olderRunsQuery({ text: ' ', state: 'active' }, 'c1')).toBeUndefined();
    expect(olderRunsQuery({}, 'c1')).toBeUndefined();
  });

  it('is one for each cursor, search and state, and no event makes it again', () => {
    const queries = [
      { limit: 1000, cursor: 'c1', search: 'a' },
      { limit: 1000, cursor: 'c2', search: 'a' },
      { limit: 1000, cursor: 'c1', state: 'failed' as const },
    ];
    const keys = queries.map((query) => olderRunsKey(query));
    expect(new Set(keys.map((key) => key.join('/'))).size).toBe(3);
    for (const type of ['run.state', 'run.deleted', 'run.progress', 'agent.state', 'queue.changed']) {
      const event = { type, topic: 'runs', runId: 'run_1', subject: 'run_1', data: {}, sequence: null, time: '' };
      for (const prefix of staleQueries(event)) {
        expect(keys.filter((key) => prefix.every((part, index) => part === key[index]))).toEqual([]);
      }
    }
  });
});
