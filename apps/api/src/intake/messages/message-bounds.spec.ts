import { describe, expect, it } from 'vitest';
import { type AgentMessageBody, agentV1 } from '@millrace/contracts';
import { assertWithinBounds, withPlainSentences } from './message-bounds';

const point = { name: 'train/loss', step: 3, value: 2.5, timeMs: 5 };
const metrics = (change: Partial<agentV1.MetricPoint>, batch: Partial<agentV1.MetricBatch> = {}): AgentMessageBody => ({
  $case: 'metrics',
  value: { sequence: 1, runId: 'run_1', fence: 1, points: [{ ...point, ...change }], ...batch },
});

const heartbeat = (running: agentV1.RunningAttempt[]): AgentMessageBody => ({
  $case: 'heartbeat',
  value: { sequence: 1, latenessMs: 0, running },
});
const attempt = { runId: 'run_1', fence: 1, step: 0, threadSilentMs: 0 };

describe('bounds of what agents send', () => {
  it.each<[string, AgentMessageBody]>([
    ['points.0.name has a NUL', metrics({ name: 'a\0b' })],
    ['points.0.name has 129 characters', metrics({ name: 'x'.repeat(129) })],
    ['points.0.step is 2147483648', metrics({ step: 2 ** 31 })],
    ['points.0.time_ms is NaN', metrics({ timeMs: Number.NaN })],
    ['fence is 2147483648', metrics({}, { fence: 2 ** 31 })],
    ['run_id has a NUL', metrics({}, { runId: '\0' })],
    ['rank is -1', { $case: 'trace', value: agentV1.TraceBatch.fromPartial({ runId: 'run_1', fence: 1, rank: -1 }) }],
    [
      'phase has 129 characters',
      {
        $case: 'attempt',
        value: agentV1.AttemptReport.fromPartial({ runId: 'run_1', fence: 1, phase: 'x'.repeat(129) }),
      },
    ],
    [
      'state has 129 characters',
      { $case: 'attempt', value: agentV1.AttemptReport.fromPartial({ runId: 'run_1', state: 'x'.repeat(129) }) },
    ],
    [
      'failure_class has 129 characters',
      { $case: 'attempt', value: agentV1.AttemptReport.fromPartial({ runId: 'run_1', failureClass: 'x'.repeat(129) }) },
    ],
    [
      'state has 129 characters',
      { $case: 'checkpoint', value: agentV1.CheckpointReport.fromPartial({ runId: 'run_1', state: 'x'.repeat(129) }) },
    ],
    ['points has 100001 entries', metrics({}, { points: Array.from({ length: 100_001 }, () => point) })],
    ['running has 65 entries', heartbeat(Array.from({ length: 65 }, () => attempt))],
    ['running.0.thread_silent_ms is NaN', heartbeat([{ ...attempt, threadSilentMs: Number.NaN }])],
    ['run_id has a NUL', heartbeat([{ ...attempt, runId: '\0' }])],
  ])('are told: %s', (reason, message) => {
    expect(() => assertWithinBounds(message)).toThrow(
      expect.objectContaining({
        code: 'SESSION.MESSAGE_INVALID',
        message: expect.stringContaining(reason) as string,
      }) as Error,
    );
  });

  it('let pass what an agent sends, a loss that is not finite included', () => {
    expect(() => assertWithinBounds(metrics({ value: Number.NaN }))).not.toThrow();
  });

  it('do not lose a failure for how it is told', () => {
    const value = agentV1.AttemptReport.fromPartial({ state: 'failed', errorMessage: `a\0${'x'.repeat(70_000)}` });
    const plain = withPlainSentences({ $case: 'attempt', value });
    expect((plain as { value: { errorMessage: string } }).value.errorMessage).toMatch(/^a\uFFFDx{65534}$/);
  });
});
