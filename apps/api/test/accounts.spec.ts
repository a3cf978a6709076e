import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntryBody, CreatedToken, Page, SessionBody, TokenBody, UserBody } from '@millrace/contracts';
import { TokensService } from '../src/ground/auth/tokens.service';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';
import { setDatabaseAhead } from './set-database-ahead';

const body = async <T>(response: Response | Promise<Response>): Promise<T> => (await (await response).json()) as T;

describe('accounts', () => {
  let api: RunningApi;
  let viewer: UserBody;
  let member: UserBody;
  let viewerToken: CreatedToken;
  let memberToken: CreatedToken;
  beforeAll(async () => {
    api = await RunningApi.start();
    await createDataset(api);
    viewer = await body(api.post('/users', { name: 'vera', role: 'viewer' }));
    member = await body(api.post('/users', { name: 'max', role: 'member' }));
    viewerToken = await body(api.post('/tokens', { name: 'v', userId: viewer.id }));
    memberToken = await body(api.post('/tokens', { name: 'm', userId: member.id }));
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const as = (token: string, path: string, method = 'GET', document?: unknown): Promise<Response> =>
    api.call(path, {
      token,
      method,
      ...(document === undefined
        ? {}
        : { body: JSON.stringify(document), headers: { 'content-type': 'application/json' } }),
    });
  const audit = async (query = ''): Promise<readonly AuditEntryBody[]> =>
    (await body<Page<AuditEntryBody>>(api.call(`/audit?limit=1000${query}`))).items;

  describe('sessions', () => {
    const signIn = (token: string, headers: Record<string, string> = {}): Promise<Response> =>
      api.call('/session', {
        token: null,
        method: 'POST',
        body: JSON.stringify({ token }),
        headers: { 'content-type': 'application/json', ...headers },
      });
    const withCookie = (cookie: string, path: string, init: RequestInit = {}): Promise<Response> =>
      api.call(path, { ...init, token: null, headers: { cookie, ...(init.headers as Record<string, string>) } });
    const cookieOf = (response: Response): string => (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

    it('begin with a token, are asked for, and end', async () => {
      const opened = await signIn(memberToken.token);
      expect(opened.status).toBe(201);
      expect(opened.headers.get('set-cookie')).toMatch(
        /^millrace_session=mlrsession_\w+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
      );
      const session = await body<SessionBody>(opened);
      expect(session.user).toEqual({ id: member.id, name: 'max', role: 'member' });
      const cookie = cookieOf(opened);
      expect(await body(withCookie(cookie, '/session'))).toEqual(session);
      expect((await withCookie(cookie, '/runs')).status).toBe(200);
      const headers = { origin: api.origin };
      expect((await withCookie(cookie, '/session', { method: 'DELETE', headers })).status).toBe(204);
      await expectProblem(await withCookie(cookie, '/session'), 401, 'AUTH.SESSION_UNKNOWN');
    });

    it.each([
      ['no Origin', {}],
      ['another site', { origin: 'https://evil.example' }],
      ['an Origin that is none', { origin: 'null' }],
    ])('change nothing with %s', async (_, headers: Record<string, string>) => {
      const cookie = cookieOf(await signIn(api.token));
      const init = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } };
      await expectProblem(await withCookie(cookie, '/users', init), 403, 'AUTH.ORIGIN_FORBIDDEN');
    });

    it('are not given for a wrong token, nor to another site', async () => {
      await expectProblem(await signIn('wrong'), 401, 'AUTH.TOKEN_UNKNOWN');
      await expectProblem(await signIn(api.token, { origin: 'https://evil.example' }), 403, 'AUTH.ORIGIN_FORBIDDEN');
    });

    it('make tokens that do not end with them', async () => {
      const cookie = cookieOf(await signIn(api.token));
      const made = await withCookie(cookie, '/tokens', {
        method: 'POST',
        body: JSON.stringify({ name: 'by-browser' }),
        headers: { 'content-type': 'application/json', origin: api.origin },
      });
      expect(await body(made)).toMatchObject({ name: 'by-browser', expiresAt: null });
    });

    it('end with their token', async () => {
      const token = await body<CreatedToken>(api.post('/tokens', { name: 'short' }));
      const cookie = cookieOf(await signIn(token.token));
      expect((await withCookie(cookie, '/runs')).status).toBe(200);
      expect((await api.call(`/tokens/${token.id}`, { method: 'DELETE' })).status).toBe(204);
      await expectProblem(await withCookie(cookie, '/runs'), 401, 'AUTH.TOKEN_UNKNOWN');
    });
  });

  describe('tokens', () => {
    it('are told once and kept as a hash', async () => {
      expect(memberToken.token).toMatch(/^mlr_[0-9a-z]{51}$/);
      const dump = JSON.stringify(await api.prisma.token.findMany());
      expect(dump).toContain(memberToken.id);
      expect(dump).not.toContain(memberToken.token);
      const listed = await body<Page<TokenBody>>(api.call('/tokens'));
      expect(JSON.stringify(listed)).not.toContain('mlr_');
    });

    it('are not told again for an Idempotency-Key', async () => {
      const headers = { 'idempotency-key': 'token-once' };
      expect((await api.post('/tokens', { name: 'once' }, headers)).status).toBe(201);
      const again = await api.post('/tokens', { name: 'once' }, headers);
      await expectProblem(again, 409, 'API.IDEMPOTENCY_SECRET_TOLD');
      expect(JSON.stringify(await api.prisma.idempotencyKey.findMany())).not.toContain('mlr_');
    });

    it('expire', async () => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const token = await body<CreatedToken>(api.post('/tokens', { name: 'brief', expiresAt }));
      expect((await as(token.token, '/runs')).status).toBe(200);
      await setDatabaseAhead(api.databaseUrl, 3_601);
      // Otherwise the API would go on by what the database said a moment ago.
      api.application.get(TokensService, { strict: false }).rightsChanged();
      await expectProblem(await as(token.token, '/runs'), 401, 'AUTH.TOKEN_EXPIRED');
      await setDatabaseAhead(api.databaseUrl, 0);
      const past = { name: 'past', expiresAt: '2020-01-01T00:00:00Z' };
      await expectProblem(await api.post('/tokens', past), 400, 'TOKEN.EXPIRY_PAST');
    });

    it('do what their scope has, and make none that may do more', async () => {
      const narrow = await body<CreatedToken>(api.post('/tokens', { name: 'narrow', scope: ['read', 'accounts'] }));
      expect((await as(narrow.token, '/runs')).status).toBe(200);
      await expectProblem(await as(narrow.token, '/runs', 'POST', runSpec()), 403, 'AUTH.SCOPE_FORBIDDEN');
      const wider = await as(narrow.token, '/tokens', 'POST', { name: 'wider', scope: ['runs'] });
      await expectProblem(wider, 403, 'TOKEN.BEYOND_OWN');
      expect((await as(narrow.token, '/tokens', 'POST', { name: 'same', scope: ['read'] })).status).toBe(201);
    });

    it('of others are for admins', async () => {
      const foreign = await as(viewerToken.token, '/tokens', 'POST', { name: 'x', userId: member.id });
      await expectProblem(foreign, 403, 'TOKEN.BEYOND_OWN');
      await expectProblem(await as(viewerToken.token, `/tokens/${memberToken.id}`, 'DELETE'), 404, 'TOKEN.NOT_FOUND');
      const own = await body<Page<TokenBody>>(as(viewerToken.token, '/tokens'));
      expect(own.items.map(({ user }) => user?.id)).toEqual([viewer.id]);
    });
  });

  describe('users', () => {
    it('have one name each', async () => {
      await expectProblem(await api.post('/users', { name: 'vera', role: 'admin' }), 409, 'USER.NAME_TAKEN');
      await expectProblem(await api.post('/users', { name: 'x', role: 'king' }), 400, 'API.BODY_INVALID');
    });

    it('that are disabled are refused until they are enabled again', async () => {
      const change = (disabled: boolean): Promise<Response> =>
        as(api.token, `/users/${viewer.id}`, 'PATCH', { disabled });
      expect((await change(true)).status).toBe(200);
      await expectProblem(await as(viewerToken.token, '/runs'), 401, 'AUTH.USER_DISABLED');
      expect((await change(false)).status).toBe(200);
      expect((await as(viewerToken.token, '/runs')).status).toBe(200);
    });

    it('leave an enabled admin', async () => {
      const path = '/users/user_admin';
      await expectProblem(await as(api.token, path, 'PATCH', { role: 'member' }), 409, 'USER.LAST_ADMIN');
      await expectProblem(await as(api.token, path, 'PATCH', { disabled: true }), 409, 'USER.LAST_ADMIN');
      await expectProblem(await as(api.token, path, 'DELETE'), 409, 'USER.LAST_ADMIN');
    });

    it('take their tokens with them', async () => {
      const user = await body<UserBody>(api.post('/users', { name: 'gone', role: 'admin' }));
      const token = await body<CreatedToken>(api.post('/tokens', { name: 'g', userId: user.id }));
      expect((await as(token.token, '/audit')).status).toBe(200);
      expect((await as(api.token, `/users/${user.id}`, 'DELETE')).status).toBe(204);
      await expectProblem(await as(token.token, '/audit'), 401, 'AUTH.TOKEN_UNKNOWN');
      expect((await as(api.token, `/users/${user.id}`, 'DELETE')).status).toBe(404);
    });
  });

  describe('projects', () => {
    it('decide whose runs a member steers', async () => {
      await expectProblem(await api.post('/runs', runSpec({ project: 'whales' })), 400, 'RUN.SPEC_UNFIT');
      const project = await body<{ id: string }>(api.post('/projects', { name: 'whales' }));
      const submitted = await api.post('/runs', runSpec({ project: 'whales' }));
      expect(submitted.status).toBe(201);
      const { id } = await body<{ id: string }>(submitted);
      const cancel = (): Promise<Response> => as(memberToken.token, `/runs/${id}:cancel`, 'POST');
      await expectProblem(await cancel(), 403, 'AUTH.PROJECT_FORBIDDEN');
      const spec = runSpec({ project: 'whales' });
      await expectProblem(await as(memberToken.token, '/runs', 'POST', spec), 403, 'AUTH.PROJECT_FORBIDDEN');
      const checkpoint = { id: 'ckpt_whales', runId: id, step: 1, fence: 1, state: 'durable', parts: {}, manifest: {} };
      await api.prisma.checkpoint.create({ data: checkpoint });
      const generate = as(memberToken.token, '/checkpoints/ckpt_whales:generate', 'POST', { prompt: 'a' });
      await expectProblem(await generate, 403, 'AUTH.PROJECT_FORBIDDEN');
      await api.prisma.checkpoint.delete({ where: { id: checkpoint.id } });
      expect((await as(memberToken.token, `/runs/${id}`)).status).toBe(200);
      const joined = await as(api.token, `/projects/${project.id}`, 'PATCH', { members: [member.id] });
      expect(await body(joined)).toMatchObject({ name: 'whales', everyone: false, members: [member.id] });
      expect((await cancel()).status).toBe(202);
    });

    it('refuse members that do not exist, and names twice', async () => {
      const stranger = { name: 'sharks', members: ['user_x'] };
      await expectProblem(await api.post('/projects', stranger), 400, 'PROJECT.MEMBER_UNKNOWN');
      await expectProblem(await api.post('/projects', { name: 'default' }), 409, 'PROJECT.NAME_TAKEN');
      await expectProblem(await as(api.token, '/projects/x', 'PATCH', {}), 404, 'PROJECT.NOT_FOUND');
    });
  });

  describe('the audit', () => {
    it('has who did what, also when the user is gone', async () => {
      const entries = await audit();
      const of = (action: string): AuditEntryBody | undefined => entries.find((entry) => entry.action === action);
      expect(of('user.create')?.actor).toEqual({ id: 'user_admin', name: 'admin' });
      expect(of('run.cancel')).toMatchObject({ actor: { id: member.id, name: 'max' }, tokenId: memberToken.id });
      expect(of('dataset.create')?.data).toMatchObject({ name: 'corpus' });
      expect(of('user.delete')?.data).toEqual({ name: 'gone' });
    });

    it('is filtered and paged, newest first', async () => {
      const own = await audit('&actor=max');
      expect(own.length).toBeGreaterThan(0);
      expect(new Set(own.map(({ actor }) => actor.id))).toEqual(new Set([member.id]));
      expect((await audit('&action=run.submit')).every(({ action }) => action === 'run.submit')).toBe(true);
      const all = await audit();
      const first = await body<Page<AuditEntryBody>>(api.call('/audit?limit=2'));
      const second = await body<Page<AuditEntryBody>>(api.call(`/audit?limit=2&cursor=${first.nextCursor}`));
      expect([...first.items, ...second.items]).toEqual(all.slice(0, 4));
    });

    it('has nothing of a change that did not happen', async () => {
      const before = (await audit()).length;
      await api.post('/users', { name: 'vera', role: 'admin' });
      await api.call('/runs/run_x:cancel', { method: 'POST' });
      expect(await audit()).toHaveLength(before);
    });
  });

  it('keep a token that opens everything: the last one of an admin cannot be revoked', async () => {
    const items = await api.prisma.token.findMany({ where: { user: { role: 'admin' }, revokedAt: null } });
    const [last, ...others] = items.filter(({ scope, expiresAt }) => scope.includes('*') && expiresAt === null);
    await api.prisma.token.updateMany({
      where: { id: { in: others.map(({ id }) => id) } },
      data: { revokedAt: new Date() },
    });
    const id = last?.id ?? '';
    await expectProblem(await api.call(`/tokens/${id}`, { method: 'DELETE' }), 409, 'TOKEN.LAST_ADMIN');
    const other = await body<CreatedToken>(api.post('/tokens', { name: 'other' }));
    expect((await as(other.token, `/tokens/${id}`, 'DELETE')).status).toBe(204);
    await expectProblem(await as(other.token, `/tokens/${other.id}`, 'DELETE'), 409, 'TOKEN.LAST_ADMIN');
  });
});
