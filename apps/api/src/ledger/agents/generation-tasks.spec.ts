import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { SessionRegistry } from '../sessions/session-registry';
import type { AgentSession } from '../sessions/agent-session';
import { GenerationTasks } from './generation-tasks';

const TASK = 'gen_1';

interface Begun {
  readonly tasks: GenerationTasks;
  readonly text: Promise<readonly number[]>;
  readonly registry: SessionRegistry;
}

/** A text of at most three tokens on agents of one machine, the last rank on agent_b. */
async function begun(): Promise<Begun> {
  const registry = new SessionRegistry();
  const agentIds = ['agent_a', 'agent_b'];
  let startedCount = 0;
  for (const agentId of agentIds)
    registry.add({
      agentId,
      epoch: 1,
      send: () => void startedCount++,
      close: () => undefined,
    } as never);
  const tasks = new GenerationTasks(registry, new FakeClock());
  const text = tasks.run(
    {
      taskId: TASK,
      maxTokens: 3,
      stages: agentIds.map(() => ({ embedding: false, firstLayer: 0, layerCount: 0, head: false })),
      model: { family: 'gpt2', layers: 2, heads: 1, hidden: 4, ffn: 16, context: 4, vocab: 8, tieEmbeddings: true },
      manifest: { tensors: [] },
      peers: agentIds.map((agentId, rank) => ({ rank, agentId, address: '127.0.0.1:1' })),
    } as never,
    1000,
  );
  text.catch(() => undefined);
  await expect.poll(() => startedCount).toBe(agentIds.length);
  return { tasks, text, registry };
}

const told = (tokens: number[]): Parameters<GenerationTasks['output']>[1] => ({
  taskId: TASK,
  tokens,
  done: true,
  errorMessage: '',
});

it('believes the last rank alone what was generated', async () => {
  const { tasks, text } = await begun();
  tasks.output('agent_a', told([1]));
  tasks.output('agent_stranger', told([2]));
  tasks.output('agent_b', told([3, 4, 5]));
  expect(await text).toEqual([3, 4, 5]);
});

it('takes no more tokens than were asked for', async () => {
  const { tasks, text } = await begun();
  tasks.output('agent_b', told([1, 2, 3, 4]));
  await expect(text).rejects.toMatchObject({ code: 'GENERATE.FAILED', message: /4 tokens of at most 3/ });
});

it('fails with any of its ranks, and with no stranger', async () => {
  const { tasks, text } = await begun();
  tasks.output('agent_stranger', { ...told([]), errorMessage: 'forged' });
  tasks.output('agent_a', { ...told([]), errorMessage: 'the device is gone' });
  await expect(text).rejects.toMatchObject({ code: 'GENERATE.FAILED', message: /agent_a .*the device is gone/ });
});

it('fails at once with the session of an agent that has a part in it, and with no other', async () => {
  const { text, registry } = await begun();
  const ended = (agentId: string): void => registry.remove({ agentId } as AgentSession);
  let isOver = false;
  text.catch(() => undefined).finally(() => (isOver = true));
  ended('agent_stranger');
  await Promise.resolve();
  expect(isOver).toBe(false);
  ended('agent_a');
  await expect(text).rejects.toMatchObject({ code: 'GENERATE.FAILED', message: /agent_a .*its session has ended/ });
});
