import type { agentV1 } from '@millrace/contracts';
import { expect, it } from 'vitest';
import { LINES_MAX, Outbox, POINTS_MAX, REPORTS_MAX } from './outbox';

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

/** Whether a promise is settled, once everything that could settle it has had its turn. */
async function isSettled(work: Promise<void>): Promise<boolean> {
  let settled = false;
  void work.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

it('lets training wait while an API that is there acknowledges no points', async () => {
  const outbox = new Outbox();
  const point = { name: 'train/loss', step: 1, value: 1, timeMs: 0 };
  const points = Array.from({ length: POINTS_MAX }, () => point);
  expect(await isSettled(outbox.addMetrics(KEY, points))).toBe(true);
  const one = outbox.addMetrics(KEY, [point]);
  outbox.take();
  expect(await isSettled(one)).toBe(false);
  outbox.acknowledge({ metrics: 1, logs: 0, checkpoints: 0 });
  expect(await isSettled(one)).toBe(true);
});

it('lets checkpoints wait while their reports are not acknowledged', async () => {
  const outbox = new Outbox();
  const report = { ...KEY, step: 1, rank: 0, state: 'stored', manifestPartJson: '{}', errorMessage: '' };
  for (let count = 0; count < REPORTS_MAX; count++) expect(await isSettled(outbox.addCheckpoint(report))).toBe(true);
  const one = outbox.addCheckpoint(report);
  expect(await isSettled(one)).toBe(false);
  outbox.acknowledge({ metrics: 0, logs: 0, checkpoints: 1 });
  expect(await isSettled(one)).toBe(true);
});
