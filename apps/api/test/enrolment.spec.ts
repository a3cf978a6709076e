import { credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  agentV1,
  type AuditEntryBody,
  type JoinTokenBody,
  type JoinTokenRecord,
  type Page,
  type TokenBody,
} from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { bearer, FakeAgent } from './fake-agent';
import { eventually } from './api-under-test';
import { expectProblem, RunningApi, START_MS_MAX } from './running-api';

describe('enrolling an agent', () => {
  let api: RunningApi;
  const grpc = (): string => api.application.get(GrpcServer, { strict: false }).address;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_HEARTBEAT_MS: '200', MILLRACE_LEASE_MS: '2000' });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  /** @throws ServiceError */
  function enrol(token: string, agentId: string): Promise<string> {
    const client = new agentV1.AgentServiceClient(grpc(), credentials.createInsecure());
    return new Promise((resolve, reject) => {
      client.enroll({ agentId, host: 'h', device: 0 }, bearer(token), (error: ServiceError | null, answer) => {
        client.close();
        if (error) reject(error);
        else resolve(answer.credential);
      });
    });
  }
  const joinToken = async (): Promise<string> =>
    ((await (await api.post('/join-tokens', {})).json()) as JoinTokenBody).token;
  const codeOf = (error: unknown): unknown => (error as ServiceError).metadata.get('millrace-code')[0];
  const refusal = (attempt: Promise<unknown>): Promise<unknown> => attempt.then(() => 'none', codeOf);

  it('takes a join token once, and gives a credential that opens that agent’s sessions', async () => {
    const token = await joinToken();
    const credential = await enrol(token, 'agent_one');
    expect(credential).toMatch(/^mlragent_/);
    expect(await refusal(enrol(token, 'agent_two'))).toBe('JOIN.TOKEN_USED');
    const agent = await new FakeAgent({ id: 'agent_one', grpc: grpc(), token: credential }).connect();
    agent.disconnect();
    const impostor = new FakeAgent({ id: 'agent_two', grpc: grpc(), token: credential });
    expect(await refusal(impostor.connect())).toBe('AUTH.AGENT_FORBIDDEN');
    impostor.disconnect();
    expect(await enrol(credential, 'agent_one')).toBe('');
    const dump = JSON.stringify([await api.prisma.token.findMany(), await api.prisma.joinToken.findMany()]);
    expect([dump.includes(credential), dump.includes(token)]).toEqual([false, false]);
  });

  it('lets two that share a join token not both in', async () => {
    const token = await joinToken();
    const outcomes = await Promise.all(['agent_a', 'agent_b', 'agent_c'].map((id) => refusal(enrol(token, id))));
    expect(outcomes.sort()).toEqual(['JOIN.TOKEN_USED', 'JOIN.TOKEN_USED', 'none']);
  });

  it('takes a join token as often as it was made for', async () => {
    const { token } = (await (await api.post('/join-tokens', { uses: 2 })).json()) as JoinTokenBody;
    const ids = ['agent_r', 'agent_s', 'agent_t', 'agent_u'];
    const outcomes = await Promise.all(ids.map((id) => refusal(enrol(token, id))));
    expect(outcomes.sort()).toEqual(['JOIN.TOKEN_USED', 'JOIN.TOKEN_USED', 'none', 'none']);
  });

  it('says what became of a token, to who has it', async () => {
    const token = await joinToken();
    await enrol(token, 'agent_first');
    await expect(enrol(token, 'agent_late')).rejects.toThrow(/used up, the last time by agent_first at .*join-token/);
    const over = await joinToken();
    await api.prisma.joinToken.updateMany({ where: { usedAt: null }, data: { expiresAt: new Date(0) } });
    await expect(enrol(over, 'agent_late')).rejects.toThrow(/expired at 1970-.*millrace join-token/);
    expect(await refusal(enrol(over, 'agent_late'))).toBe('JOIN.TOKEN_EXPIRED');
    expect(await refusal(enrol('mlrjoin_none', 'agent_late'))).toBe('JOIN.TOKEN_INVALID');
  });

  it('does not let a join token take the place of an agent, and does not use it up for that', async () => {
    const token = await joinToken();
    await enrol(await joinToken(), 'agent_victim');
    expect(await refusal(enrol(token, 'agent_victim'))).toBe('JOIN.AGENT_ENROLLED');
    expect(await enrol(token, 'agent_honest')).toMatch(/^mlragent_/);
  });

  it('takes an admin’s token too, and voids the credential before', async () => {
    const first = await enrol(api.token, 'agent_again');
    const second = await enrol(api.token, 'agent_again');
    expect(await refusal(enrol(first, 'agent_again'))).toBe('JOIN.TOKEN_INVALID');
    expect(await enrol(second, 'agent_again')).toBe('');
  });

  it('ends the session of an agent whose credential is revoked', async () => {
    const credential = await enrol(api.token, 'agent_lost');
    const agent = await new FakeAgent({ id: 'agent_lost', grpc: grpc(), token: credential }).connect();
    const { items } = (await (await api.call('/tokens')).json()) as Page<TokenBody>;
    const token = items.find(({ agentId }) => agentId === 'agent_lost');
    expect((await api.call(`/tokens/${token?.id}`, { method: 'DELETE' })).status).toBe(204);
    const error = await eventually('the session ends', () => agent.error);
    expect(codeOf(error)).toBe('AUTH.TOKEN_UNKNOWN');
    agent.disconnect();
  });

  it('lets a revoked agent back in only with a join token made after that', async () => {
    const { token } = (await (await api.post('/join-tokens', { uses: 3 })).json()) as JoinTokenBody;
    const credential = await enrol(token, 'agent_out');
    const row = await api.prisma.token.findFirstOrThrow({ where: { agentId: 'agent_out' } });
    expect((await api.call(`/tokens/${row.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await refusal(enrol(credential, 'agent_out'))).toBe('JOIN.TOKEN_INVALID');
    expect(await refusal(enrol(token, 'agent_out'))).toBe('JOIN.AGENT_REVOKED');
    await expect(enrol(token, 'agent_out')).rejects.toThrow(/agent_out was revoked at .*after this.*join-token/);
    expect(await api.prisma.token.count({ where: { agentId: 'agent_out', revokedAt: null } })).toBe(0);
    expect(await enrol(token, 'agent_other')).toMatch(/^mlragent_/);
    expect(await enrol(await joinToken(), 'agent_out')).toMatch(/^mlragent_/);
    expect(await refusal(enrol(token, 'agent_out'))).toBe('JOIN.AGENT_ENROLLED');
  });

  it('lists join tokens without the token, and revokes one', async () => {
    const made = (await (await api.post('/join-tokens', { uses: 3 })).json()) as JoinTokenBody;
    await enrol(made.token, 'agent_listed');
    const answer = await api.call('/join-tokens?limit=1');
    const text = await answer.text();
    expect(text).not.toContain('mlrjoin_');
    const { items, nextCursor } = JSON.parse(text) as Page<JoinTokenRecord>;
    expect(items).toEqual([
      {
        id: made.id,
        createdBy: { id: 'user_admin', name: 'admin' },
        createdAt: expect.any(String),
        expiresAt: made.expiresAt,
        uses: 3,
        usesLeft: 2,
        usedAt: expect.any(String),
        agentId: 'agent_listed',
        revokedAt: null,
      },
    ]);
    const next = (await (await api.call(`/join-tokens?limit=1&cursor=${nextCursor}`)).json()) as Page<JoinTokenRecord>;
    expect(next.items.map(({ id }) => id)).not.toContain(made.id);
    const revoke = (): Promise<Response> => api.call(`/join-tokens/${made.id}`, { method: 'DELETE' });
    expect((await revoke()).status).toBe(204);
    expect(await refusal(enrol(made.token, 'agent_unlisted'))).toBe('JOIN.TOKEN_REVOKED');
    await expectProblem(await revoke(), 404, 'JOIN.TOKEN_NOT_FOUND');
    const [row] = ((await (await api.call('/join-tokens')).json()) as Page<JoinTokenRecord>).items;
    expect(row).toMatchObject({ id: made.id, usesLeft: 0, revokedAt: expect.any(String) });
    const audit = (await (await api.call('/audit?action=join-token.revoke')).json()) as Page<AuditEntryBody>;
    expect(audit.items).toMatchObject([{ subject: made.id, actor: { name: 'admin' } }]);
    const kept = await api.prisma.token.count({ where: { agentId: 'agent_listed', revokedAt: null } });
    expect(kept).toBe(1);
  });

  it('is in the audit', async () => {
    const { items } = (await (await api.call('/audit?action=agent.enrol')).json()) as Page<AuditEntryBody>;
    const of = (subject: string): AuditEntryBody | undefined => items.find((entry) => entry.subject === subject);
    expect(of('agent_one')?.actor.id).toMatch(/^join_/);
    expect(of('agent_lost')?.actor.name).toBe('admin');
  });
});
