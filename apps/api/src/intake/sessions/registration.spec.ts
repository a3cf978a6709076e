import { agentV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { parseRegistration, RUNNING_MAX } from './registration';

const attempt = { runId: 'run_1', fence: 1, step: 0, threadSilentMs: 0 };

function registration(running: agentV1.RunningAttempt[]): agentV1.Register {
  return agentV1.Register.fromPartial({ agentId: 'a', host: 'vm', dataAddress: 'vm:7072', version: '1', running });
}

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
