import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  agentV1,
  blobV1,
  type CreatedToken,
  healthV1,
  reflectionV1,
  reflectionV1alpha,
  runV1,
  type UserBody,
} from '@millrace/contracts';
import { hashSecret } from '../src/ground/auth/secrets';
import { registeredRoutes } from '../src/boundary/http/allowed-methods';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { ROUTES } from '../src/boundary/openapi/routes';
import { RunningApi, START_MS_MAX } from './running-api';

/** The callers. `agent` is a credential that an agent holds. */
const COLUMNS = ['none', 'expired', 'revoked', 'agent', 'viewer', 'member', 'admin'] as const;
type Column = (typeof COLUMNS)[number];

/**
 * The answer to each caller. Ids name nothing and bodies are `{}`, so that a caller who is let through gets 404, 400 or
 * 415 where there is something to name or to send.
 */
const HTTP_TABLE = `
                                                  none expired revoked agent viewer member admin
GET /healthz                                       200     200     200   200    200    200   200
GET /readyz                                        200     200     200   200    200    200   200
GET /metrics                                       200     200     200   200    200    200   200
GET /api/openapi.json                              200     200     200   200    200    200   200
GET /api/docs                                      200     200     200   200    200    200   200
GET /api/docs/{file}                               404     404     404   404    404    404   404
GET /api/v1/overview                               401     401     401   403    200    200   200
GET /api/v1/events                                 401     401     401   403    200    200   200
GET /api/v1/agents                                 401     401     401   403    200    200   200
GET /api/v1/agents/{id}                            401     401     401   403    404    404   404
GET /api/v1/agents/{id}/telemetry                  401     401     401   403    404    404   404
POST /api/v1/agents/{id}:drain                     401     401     401   403    403    403   404
POST /api/v1/agents/{id}:undrain                   401     401     401   403    403    403   404
POST /api/v1/runs                                  401     401     401   403    403    400   400
GET /api/v1/runs                                   401     401     401   403    200    200   200
GET /api/v1/runs/{id}                              401     401     401   403    404    404   404
DELETE /api/v1/runs/{id}                           401     401     401   403    403    404   404
POST /api/v1/runs/{id}:cancel                      401     401     401   403    403    404   404
POST /api/v1/runs/{id}:pause                       401     401     401   403    403    404   404
POST /api/v1/runs/{id}:resume                      401     401     401   403    403    404   404
POST /api/v1/runs/{id}:checkpoint                  401     401     401   403    403    404   404
GET /api/v1/runs/{id}/events                       401     401     401   403    404    404   404
GET /api/v1/runs/{id}/logs                         401     401     401   403    404    404   404
GET /api/v1/runs/{id}/metrics                      401     401     401   403    400    400   400
GET /api/v1/runs/{id}/series                       401     401     401   403    404    404   404
GET /api/v1/runs/{id}/timeline                     401     401     401   403    404    404   404
GET /api/v1/runs/{id}/checkpoints                  401     401     401   403    404    404   404
POST /api/v1/datasets                              401     401     401   403    403    415   415
GET /api/v1/datasets                               401     401     401   403    200    200   200
GET /api/v1/datasets/{id}                          401     401     401   403    404    404   404
GET /api/v1/datasets/{id}/preview                  401     401     401   403    404    404   404
DELETE /api/v1/datasets/{id}                       401     401     401   403    403    403   404
POST /api/v1/checkpoints:import                    401     401     401   403    403    415   415
GET /api/v1/checkpoints/{id}                       401     401     401   403    404    404   404
GET /api/v1/checkpoints/{id}/model.safetensors     401     401     401   403    404    404   404
DELETE /api/v1/checkpoints/{id}                    401     401     401   403    403    404   404
POST /api/v1/checkpoints/{id}:generate             401     401     401   403    403    400   400
POST /api/v1/session                               400     400     400   400    400    400   400
GET /api/v1/session                                401     401     401   403    200    200   200
DELETE /api/v1/session                             401     401     401   403    204    204   204
GET /api/v1/users                                  401     401     401   403    403    403   200
POST /api/v1/users                                 401     401     401   403    403    403   400
PATCH /api/v1/users/{id}                           401     401     401   403    403    403   404
DELETE /api/v1/users/{id}                          401     401     401   403    403    403   404
GET /api/v1/tokens                                 401     401     401   403    200    200   200
POST /api/v1/tokens                                401     401     401   403    400    400   400
DELETE /api/v1/tokens/{id}                         401     401     401   403    404    404   404
POST /api/v1/join-tokens                           401     401     401   403    403    403   201
GET /api/v1/join-tokens                            401     401     401   403    403    403   200
DELETE /api/v1/join-tokens/{id}                    401     401     401   403    403    403   404
GET /api/v1/projects                               401     401     401   403    200    200   200
POST /api/v1/projects                              401     401     401   403    403    403   400
PATCH /api/v1/projects/{id}                        401     401     401   403    403    403   404
GET /api/v1/audit                                  401     401     401   403    403    403   200
`;

/** Status names of gRPC, shortened: a caller who is let through gets OK, or what is wrong with the empty message. */
const RPC_TABLE = `
                                       none   expired revoked  agent  viewer  member  admin
/grpc.health.v1.Health/Check             OK        OK      OK     OK      OK      OK     OK
/grpc.health.v1.Health/Watch             OK        OK      OK     OK      OK      OK     OK
/millrace.blob.v1.BlobService/Put      UNAUTH  UNAUTH  UNAUTH  INVAL  DENIED  DENIED  INVAL
/millrace.blob.v1.BlobService/Get      UNAUTH  UNAUTH  UNAUTH  DENIED DENIED  DENIED  NOTFND
/millrace.run.v1.RunService/Submit     UNAUTH  UNAUTH  UNAUTH  DENIED DENIED   INVAL  INVAL
/millrace.run.v1.RunService/Get        UNAUTH  UNAUTH  UNAUTH  DENIED NOTFND  NOTFND NOTFND
/millrace.run.v1.RunService/List       UNAUTH  UNAUTH  UNAUTH  DENIED     OK      OK     OK
/millrace.run.v1.RunService/Watch      UNAUTH  UNAUTH  UNAUTH  DENIED NOTFND  NOTFND NOTFND
/millrace.run.v1.RunService/Cancel     UNAUTH  UNAUTH  UNAUTH  DENIED DENIED  NOTFND NOTFND
/millrace.agent.v1.AgentService/Session UNAUTH UNAUTH  UNAUTH  INVAL  DENIED  DENIED  INVAL
/millrace.agent.v1.AgentService/Enroll UNAUTH  UNAUTH  UNAUTH     OK  DENIED  DENIED     OK
/grpc.reflection.v1.ServerReflection/ServerReflectionInfo OK OK    OK     OK     OK      OK     OK
/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo OK OK OK   OK     OK      OK     OK
`;
const CODES: Readonly<Record<string, status>> = {
  OK: status.OK,
  UNAUTH: status.UNAUTHENTICATED,
  DENIED: status.PERMISSION_DENIED,
  INVAL: status.INVALID_ARGUMENT,
  NOTFND: status.NOT_FOUND,
};

interface Row {
  readonly name: string;
  readonly answers: readonly (readonly [Column, string])[];
}

function rowsOf(table: string): Row[] {
  const [header = '', ...lines] = table.trim().split('\n');
  expect(header.trim().split(/\s+/)).toEqual([...COLUMNS]);
  return lines.map((line) => {
    const words = line.trim().split(/\s+/);
    const answers = words.splice(-COLUMNS.length).map((answer, index) => [COLUMNS[index] as Column, answer] as const);
    return { name: words.join(' '), answers };
  });
}

const HTTP_ROWS = rowsOf(HTTP_TABLE);
const RPC_ROWS = rowsOf(RPC_TABLE);
const AGENT_ID = 'agent_table';

describe('who may do what', () => {
  let api: RunningApi;
  const tokens: Record<Column, string | null> = {
    none: null,
    expired: 'an-expired-token',
    revoked: '',
    agent: 'an-agents-credential',
    viewer: '',
    member: '',
    admin: '',
  };

  async function tokenOf(role: 'viewer' | 'member' | 'admin'): Promise<CreatedToken> {
    const user = (await (await api.post('/users', { name: role + '-user', role })).json()) as UserBody;
    return (await (await api.post('/tokens', { name: role, userId: user.id })).json()) as CreatedToken;
  }

  beforeAll(async () => {
    api = await RunningApi.start();
    for (const role of ['viewer', 'member', 'admin'] as const) tokens[role] = (await tokenOf(role)).token;
    const revoked = (await (await api.post('/tokens', { name: 'revoked' })).json()) as CreatedToken;
    tokens.revoked = revoked.token;
    expect((await api.call(`/tokens/${revoked.id}`, { method: 'DELETE' })).status).toBe(204);
    const expired = { id: 'token_expired', name: 'expired', userId: 'user_admin', scope: ['*'] };
    const agent = { id: 'token_agent', name: 'agent', agentId: AGENT_ID, scope: ['agents'] };
    await api.prisma.token.create({
      data: { ...expired, hash: hashSecret('an-expired-token'), expiresAt: new Date(Date.now() - 1_000) },
    });
    await api.prisma.token.create({ data: { ...agent, hash: hashSecret('an-agents-credential') } });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it('every route and every rpc has a row', () => {
    const routes = registeredRoutes(api.application.getHttpAdapter().getInstance());
    expect(HTTP_ROWS.map(({ name }) => name).sort()).toEqual(
      routes.map(({ method, path }) => `${method} ${path}`).sort(),
    );
    const server = Reflect.get(api.application.get(GrpcServer, { strict: false }), 'server') as object;
    const handlers = Reflect.get(server, 'handlers') as ReadonlyMap<string, unknown>;
    expect(RPC_ROWS.map(({ name }) => name).sort()).toEqual([...handlers.keys()].sort());
  });

  it('the OpenAPI document says the same', () => {
    for (const { route, access } of ROUTES) {
      const answers = new Map(HTTP_ROWS.find(({ name }) => name === route)?.answers);
      const least = (['none', 'viewer', 'member', 'admin'] as const).find(
        (column) => !['401', '403'].includes(answers.get(column) ?? ''),
      );
      expect([route, least]).toEqual([route, access === null ? 'none' : access[0]]);
    }
  });

  it.each(HTTP_ROWS.map((row) => [row.name, row] as const))('%s', async (name, { answers }) => {
    const [method = '', path = ''] = name.split(' ');
    for (const [column, expected] of answers) {
      const abort = new AbortController();
      const response = await api.call(`/${path.replaceAll(/\{\w+\}/g, 'x')}`, {
        token: tokens[column],
        method,
        signal: abort.signal,
        ...(method === 'POST' || method === 'PATCH'
          ? { body: '{}', headers: { 'content-type': 'application/json' } }
          : {}),
      });
      expect(`${column} ${response.status}`).toBe(`${column} ${expected}`);
      // Streams go on until they are aborted.
      abort.abort();
    }
  });

  describe('rpc', () => {
    const metadata = (column: Column): Metadata => {
      const made = new Metadata();
      const token = tokens[column];
      if (token !== null) made.set('authorization', `Bearer ${token}`);
      return made;
    };
    const address = (): string => api.application.get(GrpcServer, { strict: false }).address;
    const clientOf = <T extends { close(): void }>(make: new (to: string, by: never) => T): T =>
      new make(address(), credentials.createInsecure() as never);
    type Stream = {
      on(event: 'data' | 'end', task: () => void): unknown;
      on(event: 'error', task: (error: ServiceError) => void): unknown;
    };
    const outcomeOf = (stream: Stream): Promise<status> =>
      new Promise((resolve) => {
        stream.on('data', () => resolve(status.OK));
        stream.on('end', () => resolve(status.OK));
        stream.on('error', (error) => resolve(error.code));
      });
    const reflected = (stream: Stream & { write(request: object): unknown }): Promise<status> => {
      stream.write({ host: '', messageRequest: { $case: 'listServices', value: '' } });
      return outcomeOf(stream);
    };
    const unary = (call: (done: (error: ServiceError | null) => void) => unknown): Promise<status> =>
      new Promise((resolve) => void call((error) => resolve(error?.code ?? status.OK)));
    const register = { agentId: AGENT_ID, host: 'h', device: 0, version: '', dataAddress: '', labels: {}, running: [] };

    /** One call of each method: the smallest message that shows whether the caller was let through. */
    const CALLS: Readonly<Record<string, (column: Column) => Promise<status>>> = {
      '/grpc.health.v1.Health/Check': (column) => {
        const client = clientOf(healthV1.HealthClient);
        return unary((done) => client.check({ service: '' }, metadata(column), done)).finally(() => client.close());
      },
      '/grpc.health.v1.Health/Watch': (column) => {
        const client = clientOf(healthV1.HealthClient);
        const stream = client.watch({ service: '' }, metadata(column));
        return outcomeOf(stream).finally(() => {
          stream.cancel();
          client.close();
        });
      },
      '/millrace.blob.v1.BlobService/Put': (column) => {
        const client = clientOf(blobV1.BlobServiceClient);
        return unary((done) => {
          const call = client.put(metadata(column), done);
          call.write({
            body: { $case: 'header', value: { sha256: 'x', bytes: 1, runId: 'run_x', fence: 1, step: 0 } },
          });
          call.end();
        }).finally(() => client.close());
      },
      '/millrace.blob.v1.BlobService/Get': (column) => {
        const client = clientOf(blobV1.BlobServiceClient);
        const request = { sha256: 'x', offset: 0, length: 0 };
        return outcomeOf(client.get(request, metadata(column))).finally(() => client.close());
      },
      '/millrace.agent.v1.AgentService/Session': (column) => {
        const client = clientOf(agentV1.AgentServiceClient);
        const stream = client.session(metadata(column));
        const value = { ...register, adapter: undefined, benchmark: undefined, takesParts: false };
        stream.write({ body: { $case: 'register', value } });
        return outcomeOf(stream).finally(() => client.close());
      },
      '/millrace.agent.v1.AgentService/Enroll': (column) => {
        const client = clientOf(agentV1.AgentServiceClient);
        const request = { agentId: AGENT_ID, host: 'h', device: 0 };
        return unary((done) => client.enroll(request, metadata(column), done)).finally(() => client.close());
      },
      '/millrace.run.v1.RunService/Submit': (column) => {
        const client = clientOf(runV1.RunServiceClient);
        return unary((done) => client.submit({ spec: '' }, metadata(column), done)).finally(() => client.close());
      },
      '/millrace.run.v1.RunService/Get': (column) => {
        const client = clientOf(runV1.RunServiceClient);
        return unary((done) => client.get({ id: 'run_x' }, metadata(column), done)).finally(() => client.close());
      },
      '/millrace.run.v1.RunService/List': (column) => {
        const client = clientOf(runV1.RunServiceClient);
        const request = { limit: 0, cursor: '', state: '', name: '' };
        return unary((done) => client.list(request, metadata(column), done)).finally(() => client.close());
      },
      '/millrace.run.v1.RunService/Watch': (column) => {
        const client = clientOf(runV1.RunServiceClient);
        return outcomeOf(client.watch({ id: 'run_x' }, metadata(column))).finally(() => client.close());
      },
      '/millrace.run.v1.RunService/Cancel': (column) => {
        const client = clientOf(runV1.RunServiceClient);
        return unary((done) => client.cancel({ id: 'run_x' }, metadata(column), done)).finally(() => client.close());
      },
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': (column) => {
        const client = clientOf(reflectionV1.ServerReflectionClient);
        return reflected(client.serverReflectionInfo(metadata(column))).finally(() => client.close());
      },
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': (column) => {
        const client = clientOf(reflectionV1alpha.ServerReflectionClient);
        return reflected(client.serverReflectionInfo(metadata(column))).finally(() => client.close());
      },
    };

    it.each(RPC_ROWS.map((row) => [row.name, row] as const))('%s', async (name, { answers }) => {
      for (const [column, expected] of answers) {
        const outcome = await CALLS[name]?.(column);
        expect(`${column} ${status[outcome ?? -1]}`).toBe(`${column} ${status[CODES[expected] ?? -1]}`);
      }
    });
  });
});
