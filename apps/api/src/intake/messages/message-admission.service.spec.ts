import { agentV1, type AgentMessageBody } from '@millrace/contracts';
import { silentLogger } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { MessageAdmissionService } from './message-admission.service';

const RANK = 1;
const attempt = { runId: 'run_1', fence: 1 };

/** Of agent_a, which is rank 1 of the attempt, in its newest session or in an older one. */
function admit(message: AgentMessageBody, { isCurrent = true, isMember = true, rank = RANK } = {}): Promise<unknown> {
  const ranks = { of: () => Promise.resolve(isMember ? rank : undefined) };
  const agents = { isCurrent: () => Promise.resolve(isCurrent) };
  const service = new MessageAdmissionService(ranks as never, agents as never, {} as never, silentLogger);
  return service.admit({ agentId: 'agent_a', epoch: 3 }, message);
}

const MESSAGES: AgentMessageBody[] = [
  { $case: 'trace', value: agentV1.TraceBatch.fromPartial({ ...attempt, rank: RANK }) },
  { $case: 'stageWaiting', value: agentV1.StageWaiting.fromPartial({ ...attempt, rank: RANK }) },
  { $case: 'checkpoint', value: agentV1.CheckpointReport.fromPartial({ ...attempt, rank: RANK }) },
  { $case: 'attempt', value: agentV1.AttemptReport.fromPartial(attempt) },
  { $case: 'linkMeasured', value: agentV1.LinkMeasured.fromPartial(attempt) },
  { $case: 'commandResult', value: agentV1.CommandResult.fromPartial({ commandId: 'start:run_1:1', ok: true }) },
];

describe.each(MESSAGES.map((message) => [message.$case, message] as const))('the message %s', (_, message) => {
  it('is taken of a rank in its newest session, and in no older one', async () => {
    expect(await admit(message)).toMatchObject({ $case: message.$case });
    await expect(admit(message, { isCurrent: false })).rejects.toMatchObject({ code: 'SESSION.SUPERSEDED' });
  });

  it('is not taken of who is no rank of the attempt', () =>
    expect(admit(message, { isMember: false })).rejects.toMatchObject({ code: 'ATTEMPT.NOT_A_MEMBER' }));
});

describe('a message that names a rank', () => {
  it.each(MESSAGES.slice(0, 3))('is not taken of another rank: %#', (message) =>
    expect(admit(message, { rank: RANK + 1 })).rejects.toMatchObject({ code: 'ATTEMPT.NOT_A_MEMBER' }),
  );

  it('is not taken about a boundary, which only rank 0 is asked for', () => {
    const value = agentV1.CommandResult.fromPartial({ commandId: 'boundary:run_1:1:4', ok: true });
    const message: AgentMessageBody = { $case: 'commandResult', value };
    return expect(admit(message)).rejects.toMatchObject({ code: 'ATTEMPT.NOT_A_MEMBER' });
  });
});
