import { describe, expect, it } from 'vitest';
import type { AgentBody } from '@millrace/contracts';
import { TelemetryWatch } from './telemetry-watch';

const agent = (id: string, time: string | null, powerW = 1): AgentBody =>
  ({ id, telemetry: time === null ? null : { time, powerW } }) as AgentBody;
const WATCHED = new Set(['a']);

describe('telemetry that is watched', () => {
  it('is told when it is new, of the agents that are watched alone', () => {
    const watch = new TelemetryWatch();
    expect(watch.look([agent('a', '1'), agent('b', '1')], WATCHED, 0)).toEqual([]);
    expect(watch.look([agent('a', '1'), agent('b', '2')], WATCHED, 500)).toEqual([]);
    const told = { type: 'agent.telemetry', runId: null, subject: 'a', data: { agentId: 'a', time: '2', powerW: 7 } };
    expect(watch.look([agent('a', '2', 7), agent('b', '3')], WATCHED, 1_000)).toEqual([told]);
  });

  it('is told every other second at most, and then the newest', () => {
    const watch = new TelemetryWatch();
    watch.look([agent('a', '0')], WATCHED, 0);
    const told = Array.from({ length: 13 }, (_, index) => {
      const messages = watch.look([agent('a', String(index + 1), index)], WATCHED, 500 * (index + 1));
      return messages.map(({ data }) => (data as { powerW: number }).powerW);
    });
    expect(told.flat()).toEqual([0, 4, 8, 12]);
  });

  it('begins anew for who looks again, and knows agents that tell nothing', () => {
    const watch = new TelemetryWatch();
    watch.look([agent('a', null)], WATCHED, 0);
    expect(watch.look([agent('a', '1')], WATCHED, 500)).toHaveLength(1);
    watch.look([agent('a', '1')], new Set(), 1_000);
    expect(watch.look([agent('a', '2')], WATCHED, 9_000)).toEqual([]);
  });
});
