import type { agentV1 } from '@millrace/contracts';
import { expect, it } from 'vitest';
import { LINES_MAX, Outbox } from './outbox';

const KEY = { runId: 'run_1', fence: 1 };
const line = (text: string): agentV1.LogLine => ({ timeMs: 0, level: 'info', stage: 0, text });

/** What a new session would be sent. */
function lines(outbox: Outbox): string[] {
  outbox.welcome({ metricsAcknowledged: 0, logsAcknowledged: 0 });
  return outbox.take().flatMap((body) => (body.$case === 'logs' ? body.value.lines.map(({ text }) => text) : []));
}

it('keeps the newest lines while the API is away, within a bound, and says how many it dropped', () => {
  const outbox = new Outbox();
  const count = 3 * LINES_MAX;
  for (let index = 0; index < count; index++) {
    outbox.addLog(KEY, line(String(index)));
    // Batches are closed now and then, as each attempt to flush does.
    if (index % 700 === 0) outbox.take();
  }
  const [marker, ...kept] = lines(outbox);
  expect(kept.length).toBeLessThanOrEqual(LINES_MAX);
  expect(kept.length).toBeGreaterThan(0.9 * LINES_MAX);
  expect(marker).toBe(`${count - kept.length} log lines were dropped while the API was away`);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => String(count - kept.length + index)));
});

it('forgets lines once they are acknowledged', () => {
  const outbox = new Outbox();
  outbox.addLog(KEY, line('a'));
  expect(outbox.take()).toMatchObject([{ $case: 'logs', value: { sequence: 1 } }]);
  expect(outbox.isSettled(KEY)).toBe(false);
  outbox.acknowledge({ metrics: 0, logs: 1, checkpoints: 0 });
  expect(outbox.isSettled(KEY)).toBe(true);
});
