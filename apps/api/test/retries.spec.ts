import { beforeEach, describe, expect, it } from 'vitest';
import { SchedulingService } from '../src/planning/scheduling/scheduling.service';
import { AgentsService } from '../src/requests/agents/agents.service';
import { eventually } from './api-under-test';
import { clusterForEach, SLOW_MS } from './cluster-scene';
import type { Attempt, FakeAgent } from './fake-agent';
import { tinySpec } from './run-specs';
import { setDatabaseAhead } from './set-database-ahead';

describe('attempts that fail at once', { timeout: SLOW_MS }, () => {
  const scene = clusterForEach();
  let agent: FakeAgent;
  beforeEach(async () => {
    agent = await scene.connect('agent_a');
  }, SLOW_MS);

  const submit = async (): Promise<string> =>
    (await scene.api.runs.submit(tinySpec({ parallel: { pp: 1 }, retries: 9 }), 'tester')).id;

  /** Takes the next attempt after `fence` and fails it. @returns its fence */
  async function fail(id: string, fence: number): Promise<number> {
    const attempt = await agent.attempt(id, fence);
    agent.begin(attempt);
    agent.running = [];
    const message = { errorCode: 'STAGE.BROKEN', errorMessage: 'the driver went away' };
    agent.report(attempt, 'failed', { failureClass: 'internal', ...message });
    await eventually('it failed', async () => (await scene.api.runs.get(id)).attempts.at(-1)?.state === 'failed');
    return attempt.fence;
  }

  /** The next attempt, which the scheduler, called by hand, places once the agent was heard. */
  const placedAfter = (id: string, fence: number): Promise<Attempt> =>
    eventually('it is placed', async () => {
      await scene.api.get(SchedulingService).schedule();
      return (await scene.api.runs.get(id)).attempts.some((each) => each.fence > fence);
    }).then(() => agent.attempt(id, fence));

  it('wait before the next one, which the reason tells with the time', async () => {
    const id = await submit();
    const second = await fail(id, await fail(id, 0));
    const { reason, state } = await scene.api.runs.get(id);
    expect(state).toBe('recovering');
    expect(reason?.code).toBe('STAGE.BROKEN');
    expect(reason?.message).toMatch(/^the driver went away \(.*retry 2 of 9, not before 20\S+Z, since/);
    await eventually('the agent is free', async () => (await scene.api.prisma.lease.count()) === 0);
    expect(await scene.api.get(SchedulingService).schedule()).toBe(0);
    expect((await scene.api.runs.get(id)).reason).toEqual(reason);
    await setDatabaseAhead(scene.databaseUrl, 10);
    await placedAfter(id, second);
  });

  it('set the agent that caused them aside, until it is taken back or for a while', async () => {
    const id = await submit();
    const second = await fail(id, await fail(id, 0));
    await setDatabaseAhead(scene.databaseUrl, 10);
    await placedAfter(id, second);
    const third = await fail(id, second);
    const agents = scene.api.get(AgentsService);
    await eventually('it is heard of', async () => (await agents.get('agent_a')).state === 'set-aside');
    expect((await agents.get('agent_a')).setAside?.reason).toBe(
      '3 attempts failed because of it within 30 minutes, the last one because the driver went away; ' +
        '`millrace undrain agent_a` takes it back at once',
    );
    await setDatabaseAhead(scene.databaseUrl, 60);
    await eventually('the reason says so', async () => {
      await scene.api.get(SchedulingService).schedule();
      return (await scene.api.runs.get(id)).reason?.message.includes('1 set aside after failures');
    });
    expect(await agents.undrain('agent_a', 'tester')).toMatchObject({ setAside: null });
    await placedAfter(id, third);

    // The failures from before it was taken back do not count again.
    const fourth = await fail(id, third);
    expect((await agents.get('agent_a')).setAside).toBeNull();
    await scene.api.prisma.agent.update({
      where: { id: 'agent_a' },
      data: { setAsideUntil: new Date(Date.now() + 120_000) },
    });
    await setDatabaseAhead(scene.databaseUrl, 110);
    expect((await agents.get('agent_a')).setAside).not.toBeNull();
    await setDatabaseAhead(scene.databaseUrl, 700);
    await placedAfter(id, fourth);
  });
});
