import { agentV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { parseRegistration, RUNNING_MAX } from './registration';

const attempt = { runId: 'run_1', fence: 1, step: 0, threadSilentMs: 0 };

function registration(running: agentV1.RunningAttempt[]): agentV1.Register {
  return agentV1.Register.fromPartial({ agentId: 'a', host: 'vm', dataAddress: 'vm:7072', version: '1', running });
}

describe('what an agent says of itself when it registers', () => {
  const LONG = 'x'.repeat(300);
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);
  const map = <T>(count: number, value: T): Record<string, T> =>
    Object.fromEntries(many(count).map((name) => [name, value]));

  it.each<[string, Parameters<typeof agentV1.Register.fromPartial>[0]]>([
    ['labels has 300 characters', { labels: { rack: LONG } }],
    ['labels has 300 characters', { labels: { [LONG]: 'a' } }],
    ['labels has more than 64 entries', { labels: map(65, 'a') }],
    ['host has 300 characters', { host: LONG }],
    ['version has 300 characters', { version: LONG }],
    ['data_address has 300 characters', { dataAddress: LONG }],
    ['adapter.description has 300 characters', { adapter: { description: LONG } }],
    ['adapter.uuid has 300 characters', { adapter: { uuid: LONG } }],
    ['adapter.limits has 300 characters', { adapter: { limits: { [LONG]: 1 } } }],
    ['adapter.limits has more than 256 entries', { adapter: { limits: map(257, 1) } }],
    ['adapter.features has more than 256 entries', { adapter: { features: many(257) } }],
    ['adapter.quarantined has more than 256 entries', { adapter: { quarantined: many(257) } }],
  ])('has a bound: %s', (reason, change) => {
    const register = agentV1.Register.fromPartial({ ...registration([]), ...change });
    expect(() => parseRegistration(register)).toThrow(
      expect.objectContaining({
        code: 'SESSION.REGISTRATION_INVALID',
        message: expect.stringContaining(reason) as string,
      }) as Error,
    );
  });
});

describe('what an agent says it runs when it registers', () => {
  it('may be as much as an agent can hold', () => {
    const running = Array.from({ length: RUNNING_MAX }, () => attempt);
    expect(parseRegistration(registration(running)).id).toBe('a');
  });

  it.each<[string, agentV1.RunningAttempt[]]>([
    ['has 65 entries, more than 64', Array.from({ length: 65 }, () => attempt)],
    ['cannot be stored', [{ ...attempt, threadSilentMs: Number.NaN }]],
    ['cannot be stored', [{ ...attempt, runId: 'a\0' }]],
    ['cannot be stored', [{ ...attempt, fence: 2 ** 31 }]],
  ])('is refused where it %s', (reason, running) => {
    expect(() => parseRegistration(registration(running))).toThrow(reason);
  });
});
