import { credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentV1, blobV1, type CreatedToken, healthV1, reflectionV1, runV1 } from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { bearer, FakeAgent } from './fake-agent';
import { RunningApi, START_MS_MAX } from './running-api';

const PER_SECOND = 25;
/** So many calls that some are refused even if a window ends in their midst. */
const MANY = 4 * PER_SECOND;
type Outcome = ServiceError | undefined;
type Done = (error: ServiceError | null) => void;

describe('calls over gRPC', () => {
  let api: RunningApi;
  let address: string;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_REQUESTS_PER_SECOND: String(PER_SECOND) });
    ({ address } = api.application.get(GrpcServer, { strict: false }));
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const insecure = credentials.createInsecure();
  const windowOver = (): void => api.clock.jump(1_050);
  /** The errors of many calls at once. */
  const outcomes = (call: (done: Done) => void, count = MANY): Promise<Outcome[]> =>
    Promise.all(
      Array.from(
        { length: count },
        () => new Promise<Outcome>((resolve) => call((error) => resolve(error ?? undefined))),
      ),
    );
  const refused = (all: Outcome[]): ServiceError[] =>
    all.filter((error): error is ServiceError => error?.code === status.RESOURCE_EXHAUSTED);
  const trailer = (metadata: Metadata, name: string): unknown => metadata.get(name)[0];

  const listRuns = (token: string, count?: number): Promise<Outcome[]> => {
    const client = new runV1.RunServiceClient(address, insecure);
    const request = runV1.ListRequest.create();
    return outcomes((done) => client.list(request, bearer(token), done), count).finally(() => client.close());
  };
  const enrol = (token: string, count?: number): Promise<Outcome[]> => {
    const client = new agentV1.AgentServiceClient(address, insecure);
    const request = { agentId: 'agent_guess', host: 'h', device: 0 };
    return outcomes((done) => client.enroll(request, bearer(token), done), count).finally(() => client.close());
  };

  it('are limited per token, with a hint when to try again, and go on for others and after a second', async () => {
    const body = { name: 'other', scope: ['read'], expiresAt: null };
    const other = (await (await api.post('/tokens', body)).json()) as CreatedToken;
    const errors = refused(await listRuns(api.token));
    expect(errors.length).toBeGreaterThan(0);
    const [{ details, metadata }] = errors as [ServiceError];
    expect(details).toMatch(/^more than 25 calls in a second by this token.*; try again in \d+ ms$/);
    expect(trailer(metadata, 'millrace-code')).toBe('GRPC.RATE_LIMITED');
    const waitMs = Number(trailer(metadata, 'grpc-retry-pushback-ms'));
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(1_000);
    expect(String(trailer(metadata, 'grpc-status-details-bin'))).toContain('google.rpc.RetryInfo');
    expect(await listRuns(other.token, 1)).toEqual([undefined]);
    windowOver();
    expect(await listRuns(api.token, 1)).toEqual([undefined]);
  });

  it('are limited per address for who has no token in force: guesses, probes, reflection', async () => {
    // An API remembers a token for 5 s: the one of the test before is forgotten, and is read again.
    api.clock.jump(5_050);
    expect(await listRuns(api.token, 1)).toEqual([undefined]);
    const guesses = await enrol('mlrjoin_guess');
    // A caller with a token is not held up by strangers at the same address.
    expect(await listRuns(api.token, 1)).toEqual([undefined]);
    expect(refused(guesses).length).toBeGreaterThan(0);
    expect(guesses.some((error) => error?.code === status.UNAUTHENTICATED)).toBe(true);
    const health = new healthV1.HealthClient(address, insecure);
    const probes = await outcomes((done) => health.check({ service: '' }, done)).finally(() => health.close());
    expect(refused(probes).length).toBeGreaterThan(0);
  });

  it('are limited by message where a stranger keeps one call open', async () => {
    windowOver();
    const client = new reflectionV1.ServerReflectionClient(address, insecure);
    const call = client.serverReflectionInfo();
    let answerCount = 0;
    const ended = new Promise<ServiceError>((resolve) => call.once('error', (error) => resolve(error as ServiceError)));
    call.on('data', () => answerCount++);
    for (let index = 0; index < 10 * MANY; index++) {
      call.write({ host: '', messageRequest: { $case: 'listServices', value: '' } });
    }
    expect((await ended).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(answerCount).toBeLessThan(10 * MANY);
    client.close();
  });

  it('of strangers are bounded in number while they are open', async () => {
    const client = new healthV1.HealthClient(address, insecure);
    const open: ReturnType<typeof client.watch>[] = [];
    try {
      let error: ServiceError | undefined;
      // They are opened at the allowed pace, and those opened before stay open.
      for (let second = 0; error === undefined && second < 30; second++) {
        windowOver();
        const answers = Array.from({ length: PER_SECOND }, () => {
          const call = client.watch({ service: '' });
          open.push(call);
          return new Promise<ServiceError | undefined>((resolve) => {
            call.on('error', (each: ServiceError) => resolve(each));
            call.once('data', () => resolve(undefined));
          });
        });
        error = (await Promise.all(answers)).find((each) => each !== undefined);
      }
      expect(trailer((error as ServiceError).metadata, 'millrace-code')).toBe('GRPC.TOO_MANY_OPEN');
    } finally {
      for (const call of open) call.cancel();
      client.close();
    }
  });

  it('of an agent with its own credential are not counted where it does its work', async () => {
    windowOver();
    const { token } = (await (await api.post('/join-tokens', {})).json()) as { token: string };
    const agents = new agentV1.AgentServiceClient(address, insecure);
    const request = { agentId: 'agent_busy', host: 'h', device: 0 };
    const credential = await new Promise<string>((resolve, reject) => {
      agents.enroll(request, bearer(token), (error, answer) => (error ? reject(error) : resolve(answer.credential)));
    }).finally(() => agents.close());
    await enrol('mlrjoin_guess');
    const agent = await new FakeAgent({ id: 'agent_busy', grpc: address, token: credential }).connect();
    const blobs = new blobV1.BlobServiceClient(address, insecure);
    const sha256 = 'a'.repeat(64);
    const gets = await outcomes((done) => {
      const call = blobs.get({ sha256, offset: 0, length: 0 }, bearer(credential));
      call.on('data', () => undefined);
      call.once('error', (error) => done(error as ServiceError));
    });
    expect(new Set(gets.map((error) => error?.code))).toEqual(new Set([status.PERMISSION_DENIED]));
    const puts = await outcomes((done) => blobs.put(bearer(credential), done).end());
    expect(refused(puts)).toEqual([]);
    expect(agent.error).toBeUndefined();
    // In other calls the agent is a caller like any other.
    expect(refused(await enrol(credential)).length).toBeGreaterThan(0);
    blobs.close();
    agent.disconnect();
  });
});
