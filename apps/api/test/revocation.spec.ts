import { request as httpRequest } from 'node:http';
import { type ClientReadableStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { agentV1, type CreatedToken, runV1, type UserBody } from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { STREAMS_PER_TOKEN_MAX } from '../src/ground/events/sse-streams';
import { TokensRepository } from '../src/ground/auth/tokens.repository';
import { TokensService } from '../src/ground/auth/tokens.service';
import { CheckpointsService } from '../src/requests/checkpoints/checkpoints.service';
import { ModelExportService } from '../src/requests/checkpoints/model-export.service';
import { eventually } from './api-under-test';
import { bearer, FakeAgent } from './fake-agent';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const body = async <T>(response: Response | Promise<Response>): Promise<T> => (await (await response).json()) as T;

describe('what is open by a right', () => {
  let api: RunningApi;
  let grpc: string;
  let runId: string;
  let user: UserBody;
  beforeAll(async () => {
    api = await RunningApi.start();
    grpc = api.application.get(GrpcServer, { strict: false }).address;
    await createDataset(api);
    runId = (await body<{ id: string }>(api.post('/runs', runSpec()))).id;
    user = await body(api.post('/users', { name: 'max', role: 'admin' }));
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const newToken = (): Promise<CreatedToken> => body(api.post('/tokens', { name: 't', userId: user.id }));
  const revoke = async ({ id }: { id: string }): Promise<void> =>
    expect((await api.call(`/tokens/${id}`, { method: 'DELETE' })).status).toBe(204);
  const patch = async (path: string, changes: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    expect((await api.call(path, { method: 'PATCH', body: JSON.stringify(changes), headers })).status).toBe(200);
  };

  /** Reads a stream to its end. */
  async function stream(
    path: string,
    token: string | null,
    headers: Record<string, string> = {},
  ): Promise<{ ended: Promise<string>; leave: () => void }> {
    const abort = new AbortController();
    const init = { token, headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal };
    const response = await api.call(path, init);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'private, no-store, no-transform']);
    return { ended: response.text().catch(() => 'left'), leave: () => abort.abort() };
  }

  function watch(token: string): { ended: Promise<ServiceError>; begun: Promise<void> } {
    const client = new runV1.RunServiceClient(grpc, credentials.createInsecure());
    const call: ClientReadableStream<runV1.WatchResponse> = client.watch({ id: runId }, bearer(token));
    const begun = new Promise<void>((resolve) => call.once('data', () => resolve()));
    const ended = new Promise<ServiceError>((resolve) => call.once('error', (error) => resolve(error as ServiceError)));
    return { begun, ended: ended.finally(() => client.close()) };
  }

  it('ends with its token: event streams, logs and watches', async () => {
    const token = await newToken();
    const paths = ['/events', '/events?topics=runs', `/runs/${runId}/events`, `/runs/${runId}/logs`];
    const streams = await Promise.all(paths.map((path) => stream(path, token.token)));
    const watching = watch(token.token);
    await watching.begun;
    await revoke(token);
    await Promise.all(streams.map(({ ended }) => ended));
    expect((await watching.ended).code).toBe(status.UNAUTHENTICATED);
  });

  it('ends with its token: an upload that still comes, which leaves nothing, and a download that still goes', async () => {
    const uploader = await newToken();
    const upload = httpRequest(`${api.origin}/api/v1/datasets?name=cut&tokenizer=byte`, {
      method: 'POST',
      headers: { authorization: `Bearer ${uploader.token}`, 'content-type': 'text/plain' },
    });
    const cutOff = new Promise<Error>((resolve) => upload.once('error', resolve));
    const begun = new Promise((resolve) => api.application.getHttpServer().once('request', resolve));
    upload.write('so far ');
    await begun;
    const downloader = await newToken();
    const row = vi.spyOn(api.application.get(CheckpointsService, { strict: false }), 'row');
    row.mockResolvedValue({ manifest: {} } as never);
    const opened = vi.spyOn(api.application.get(ModelExportService, { strict: false }), 'open');
    const endless = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('the first weights');
      await new Promise(() => undefined);
    };
    opened.mockReturnValue({ bytes: 1_000_000, etag: '"e"', read: endless });
    const download = await api.call('/checkpoints/ckpt_1/model.safetensors', { token: downloader.token });
    expect(download.status).toBe(200);
    const broken = download.text().then(
      () => 'whole',
      () => 'broken off',
    );
    await revoke(uploader);
    await revoke(downloader);
    expect((await cutOff).message).toMatch(/hang up|ECONNRESET/);
    expect(await broken).toBe('broken off');
    row.mockRestore();
    opened.mockRestore();
    expect(await api.prisma.dataset.count({ where: { name: 'cut' } })).toBe(0);
  });

  it('does not begin while nobody can say whose it is: it would not end with its token', async () => {
    const { token } = await newToken();
    const tokens = api.application.get(TokensService, { strict: false });
    const asked = vi.spyOn(tokens, 'authenticate').mockRejectedValueOnce(new Error('the database is away'));
    const watching = watch(token);
    expect((await watching.ended).code).toBe(status.INTERNAL);
    // The call itself, which could ask again, has not begun.
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
    await watch(token).begun;
  });

  it('is bounded for a token: so many watches at once, and another when one of them ends', async () => {
    const { token } = await newToken();
    const client = new runV1.RunServiceClient(grpc, credentials.createInsecure());
    const open: ClientReadableStream<runV1.WatchResponse>[] = [];
    const begin = (): Promise<ServiceError | undefined> =>
      new Promise((resolve) => {
        const call = client.watch({ id: runId }, bearer(token));
        open.push(call);
        call.once('data', () => resolve(undefined));
        call.on('error', (error) => resolve(error as ServiceError));
      });
    try {
      // A few at a time, so that the rate at which a token may call is not what is met.
      for (let count = 0; count < STREAMS_PER_TOKEN_MAX; count += 10)
        expect(await Promise.all(Array.from({ length: 10 }, begin))).toEqual(new Array(10).fill(undefined));
      const refused = await begin();
      expect(refused?.code).toBe(status.RESOURCE_EXHAUSTED);
      expect(refused?.metadata.get('millrace-code')).toEqual(['GRPC.TOO_MANY_OPEN']);
      open[0]?.cancel();
      await eventually('room', async () => (await begin()) === undefined);
    } finally {
      for (const call of open) call.cancel();
      client.close();
    }
  });

  it('ends with the browser session', async () => {
    const { token } = await newToken();
    const headers = { 'content-type': 'application/json' };
    const opened = await api.call('/session', {
      token: null,
      method: 'POST',
      body: JSON.stringify({ token }),
      headers,
    });
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const [own, others] = [await stream('/events', null, { cookie }), await stream('/events', token)];
    const signedOut = await api.call('/session', {
      token: null,
      method: 'DELETE',
      headers: { cookie, origin: api.origin },
    });
    expect(signedOut.status).toBe(204);
    await own.ended;
    others.leave();
    expect(await others.ended).toBe('left');
  });

  it('ends when the user may do less, and stays when the user may do more', async () => {
    const { token } = await newToken();
    const project = await body<{ id: string }>(api.post('/projects', { name: 'whales', members: [user.id] }));
    const rows = api.application.get(TokensRepository, { strict: false });
    const rights = rows.rights.bind(rows);
    let lookCount = 0;
    rows.rights = (ids) => rights(ids).finally(() => lookCount++);
    for (const [less, more] of [
      [() => patch(`/users/${user.id}`, { role: 'viewer' }), () => patch(`/users/${user.id}`, { role: 'admin' })],
      [() => patch(`/users/${user.id}`, { disabled: true }), () => patch(`/users/${user.id}`, { disabled: false })],
      [
        () => patch(`/projects/${project.id}`, { members: [] }),
        () => patch(`/projects/${project.id}`, { members: [user.id] }),
      ],
    ] as const) {
      const events = await stream('/events', token);
      const watching = watch(token);
      await watching.begun;
      // The first look at projects remembers what the user has; the second begins when both are open.
      const until = lookCount + 2;
      await eventually('what the user may do is known', () => lookCount >= until);
      await more();
      await less();
      await events.ended;
      expect([status.UNAVAILABLE, status.UNAUTHENTICATED]).toContain((await watching.ended).code);
      await more();
    }
    rows.rights = rights;
  });

  it('ends with a change that another replica made, or nobody told of', async () => {
    const token = await newToken();
    const events = await stream('/events', token.token);
    await api.prisma.token.update({ where: { id: token.id }, data: { revokedAt: new Date() } });
    await events.ended;
  });

  it('is an agent’s session, also without heartbeats', async () => {
    const { token } = await body<{ token: string }>(api.post('/join-tokens', {}));
    const client = new agentV1.AgentServiceClient(grpc, credentials.createInsecure());
    const request = { agentId: 'agent_revoked', host: 'h', device: 0 };
    const credential = await new Promise<string>((resolve, reject) => {
      client.enroll(request, bearer(token), (error, answer) => (error ? reject(error) : resolve(answer.credential)));
    }).finally(() => client.close());
    const agent = await new FakeAgent({ id: 'agent_revoked', grpc, token: credential }).connect();
    agent.freeze();
    const { id } = await api.prisma.token.findFirstOrThrow({ where: { agentId: 'agent_revoked', revokedAt: null } });
    await revoke({ id });
    await eventually('the session ends', () => agent.error?.code === status.UNAUTHENTICATED);
    const gone = { where: { id: 'agent_revoked', connected: false } };
    await eventually('it counts as gone', async () => (await api.prisma.agent.count(gone)) === 1);
    agent.disconnect();
  });

  it('is bounded in number for each token', async () => {
    const token = await newToken();
    const open = [];
    for (let count = 0; count < STREAMS_PER_TOKEN_MAX; count++) open.push(await stream('/events', token.token));
    const problem = await expectProblem(await api.call('/events', { token: token.token }), 429, 'API.STREAMS_LIMITED');
    expect(problem.detail).toContain(`${STREAMS_PER_TOKEN_MAX} event streams open`);
    const other = await stream('/events', (await newToken()).token);
    for (const { leave } of [...open, other]) leave();
    await eventually('there is room again', async () => {
      const abort = new AbortController();
      const { status: code } = await api.call('/events', { token: token.token, signal: abort.signal });
      abort.abort();
      return code === 200;
    });
  });
});
