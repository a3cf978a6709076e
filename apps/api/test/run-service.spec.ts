import { join } from 'node:path';
import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { FakeAgent } from './fake-agent';
import { createDataset, RunningApi, runSpec, START_MS_MAX } from './running-api';

const PROTO = join(__dirname, '../../../proto');
const LOAD = { keepCase: true, longs: Number, enums: String, oneofs: true, defaults: true } as const;

type Message = Record<string, unknown>;
type Call = (request: Message, metadata: Metadata, done: (error: ServiceError | null, answer: Message) => void) => void;
type Stream = (request: Message, metadata: Metadata) => ClientReadableStream<Message>;
type RunClient = Client & Record<'Submit' | 'Get' | 'List' | 'Cancel', Call> & { Watch: Stream };

/** What an ordinary client does: asks the server for the service's descriptors, and has no file or code of ours. */
class ReflectingClient {
  constructor(
    private readonly address: string,
    private readonly version: 'v1' | 'v1alpha',
  ) {}

  ask(request: Message): Promise<Message> {
    // The reflection protocol itself is the one thing that every such client brings along.
    const definition = loadSync(`grpc/reflection/${this.version}/reflection.proto`, { ...LOAD, includeDirs: [PROTO] });
    const Service = serviceOf(definition, `grpc.reflection.${this.version}.ServerReflection`);
    const client = new Service(this.address, credentials.createInsecure());
    return new Promise<Message>((resolve, reject) => {
      const call = (client['ServerReflectionInfo'] as () => ReturnType<Client['makeBidiStreamRequest']>).call(client);
      call.on('data', (answer: Message) => {
        resolve(answer);
        call.end();
      });
      call.on('error', reject);
      call.write(request);
    }).finally(() => client.close());
  }

  async client(service: string): Promise<RunClient> {
    const { file_descriptor_response: found } = (await this.ask({ file_containing_symbol: service })) as {
      file_descriptor_response: { file_descriptor_proto: Buffer[] };
    };
    const set = Buffer.concat(
      found.file_descriptor_proto.flatMap((file) => [Buffer.from([0x0a]), varint(file.length), file]),
    );
    const Service = serviceOf(loadFileDescriptorSetFromBuffer(set, LOAD), service);
    return new Service(this.address, credentials.createInsecure()) as unknown as RunClient;
  }
}

function serviceOf(definition: PackageDefinition, name: string): ServiceClientConstructor {
  const found = name
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], loadPackageDefinition(definition));
  return found as ServiceClientConstructor;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

describe('RunService', () => {
  let api: RunningApi;
  let agent: FakeAgent;
  let address: string;
  let client: RunClient;
  let bearer: Metadata;

  beforeAll(async () => {
    api = await RunningApi.start();
    ({ address } = api.application.get(GrpcServer, { strict: false }));
    await createDataset(api);
    agent = await new FakeAgent({ id: 'agent_a', grpc: address, token: api.token }).connect();
    client = await new ReflectingClient(address, 'v1').client('millrace.run.v1.RunService');
    bearer = new Metadata();
    bearer.set('authorization', `Bearer ${api.token}`);
  }, START_MS_MAX);
  afterAll(async () => {
    client.close();
    agent.disconnect();
    await api.stop();
  }, START_MS_MAX);

  const call = (name: 'Submit' | 'Get' | 'List' | 'Cancel', request: Message, metadata = bearer): Promise<Message> =>
    new Promise((resolve, reject) => {
      client[name](request, metadata, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  const refusal = async (...args: Parameters<typeof call>): Promise<[code: number, stable: unknown]> => {
    const error = await call(...args).then(
      () => expect.unreachable(),
      (thrown: ServiceError) => thrown,
    );
    return [error.code, error.metadata.get('millrace-code')[0]];
  };
  const submit = async (changes: Record<string, unknown> = {}): Promise<string> =>
    String((await call('Submit', { spec: JSON.stringify(runSpec({ parallel: { pp: 1 }, ...changes })) }))['id']);

  /** All messages up to the end of the stream, or to where `enough` says so. */
  function watch(request: Message, enough: (all: Message[]) => boolean = () => false): Promise<Message[]> {
    const all: Message[] = [];
    const stream = client.Watch(request, bearer);
    return new Promise((resolve, reject) => {
      stream.on('data', (message: Message) => {
        all.push(message);
        if (enough(all)) stream.cancel();
      });
      stream.on('end', () => resolve(all));
      stream.on('error', (error: ServiceError) => (error.code === status.CANCELLED ? resolve(all) : reject(error)));
    });
  }
  const states = (messages: Message[]): unknown[] =>
    messages.filter(({ body }) => body === 'run').map(({ run }) => (run as Message)['state']);

  it.each(['v1', 'v1alpha'] as const)('is found by reflection %s, without a token', async (version) => {
    const reflecting = new ReflectingClient(address, version);
    const listed = (await reflecting.ask({ list_services: '' })) as {
      list_services_response: { service: { name: string }[] };
    };
    expect(listed.list_services_response.service.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'grpc.health.v1.Health',
        `grpc.reflection.${version}.ServerReflection`,
        'millrace.run.v1.RunService',
      ]),
    );
    const names = [
      'millrace.run.v1.RunService.Submit',
      'millrace.run.v1.Run',
      'grpc.health.v1.HealthCheckResponse.ServingStatus',
    ];
    for (const file_containing_symbol of names)
      expect(await reflecting.ask({ file_containing_symbol })).toMatchObject({
        message_response: 'file_descriptor_response',
      });
    expect(await reflecting.ask({ file_by_filename: 'no.proto' })).toMatchObject({
      error_response: { error_code: status.NOT_FOUND },
    });
  });

  it('submits, watches to the end, and lists with a client made by reflection', async () => {
    const id = await submit({ name: 'by-grpc', train: { ...(runSpec()['train'] as object), steps: 2 } });
    const watched = watch({ id, after: 0 });
    const attempt = await agent.attempt(id);
    agent.begin(attempt);
    await call('Cancel', { id });
    await agent.take('stopAttempt', ({ runId }) => runId === id);
    const messages = await watched;
    expect(states(messages).at(-1)).toBe('cancelled');
    const sequences = messages
      .filter(({ body }) => body === 'event')
      .map(({ event }) => Number((event as Message)['sequence']));
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    const told = messages
      .filter(({ event }) => (event as Message | null)?.['type'] === 'run.state')
      .map(({ event }) => (JSON.parse(String((event as Message)['data_json'])) as Message)['state']);
    expect([told[0], told.at(-1)]).toEqual(['queued', 'cancelled']);

    const run = await call('Get', { id });
    expect(run).toMatchObject({ id, name: 'by-grpc', state: 'cancelled', steps: 2 });
    expect((run['attempts'] as Message[])[0]).toMatchObject({ agents: ['agent_a'] });
    expect(JSON.parse(String(run['spec_json']))).toMatchObject({ name: 'by-grpc', priority: 50 });
    expect((await (await api.call(`/runs/${id}`)).json()) as Message).toMatchObject({ state: 'cancelled' });

    await submit({ name: 'second' });
    const first = await call('List', { limit: 1 });
    expect((first['runs'] as Message[]).map(({ name }) => name)).toEqual(['second']);
    const next = await call('List', { limit: 1, cursor: first['next_cursor'] });
    expect((next['runs'] as Message[]).map(({ name }) => name)).toEqual(['by-grpc']);
    expect((await call('List', { name: 'by-grpc', state: 'cancelled' }))['next_cursor']).toBe('');
    expect(states(await watch({ id }))).toEqual(['cancelled']);
  });

  it('takes YAML, and goes on with a watch after the last sequence that was seen', async () => {
    const spec =
      'name: yaml\nmodel: {family: gpt2, layers: 2, heads: 2, hidden: 8, context: 8}\ndata: {dataset: corpus}\n' +
      'train: {steps: 2, batch: {global: 2, micro: 1}, optimizer: {type: adamw, lr: 0.001}}\nparallel: {pp: 2}\n';
    const { id } = await call('Submit', { spec });
    const seen = await watch({ id, after: 0 }, (all) => all.some(({ body }) => body === 'event'));
    const { sequence } = seen.find(({ body }) => body === 'event')!['event'] as Message;
    const rest = watch({ id, after: sequence });
    await call('Cancel', { id });
    expect(states(await rest)).toEqual(['queued', 'cancelled']);
  });

  it('refuses as REST does: status, stable code, and the fields in the details', async () => {
    const none = new Metadata();
    const wrong = new Metadata();
    wrong.set('authorization', 'Bearer wrong');
    expect(await refusal('List', {}, none)).toEqual([status.UNAUTHENTICATED, 'AUTH.TOKEN_MISSING']);
    expect(await refusal('Submit', { spec: '{' }, wrong)).toEqual([status.UNAUTHENTICATED, 'AUTH.TOKEN_UNKNOWN']);
    expect(await refusal('Get', { id: 'run_none' })).toEqual([status.NOT_FOUND, 'RUN.NOT_FOUND']);
    expect(await refusal('Cancel', { id: 'x\0' })).toEqual([status.NOT_FOUND, 'RUN.NOT_FOUND']);
    expect(await refusal('List', { limit: 1001 })).toEqual([status.INVALID_ARGUMENT, 'API.QUERY_INVALID']);
    expect(await refusal('List', { state: 'asleep' })).toEqual([status.INVALID_ARGUMENT, 'API.QUERY_INVALID']);
    expect(await refusal('Submit', { spec: '{' })).toEqual([status.INVALID_ARGUMENT, 'API.DOCUMENT_MALFORMED']);
    expect(await refusal('Submit', { spec: 'x'.repeat(2 ** 20 + 1) })).toEqual([
      status.RESOURCE_EXHAUSTED,
      'API.BODY_TOO_LARGE',
    ]);
    await expect(watch({ id: 'run_none' })).rejects.toMatchObject({ code: status.NOT_FOUND });

    const spec = JSON.stringify(runSpec({ train: { ...(runSpec()['train'] as object), steps: 0 } }));
    const error = (await call('Submit', { spec }).catch((thrown: unknown) => thrown)) as ServiceError;
    const problem = (await (await api.post('/runs', spec)).json()) as { code: string; errors: { path: string }[] };
    expect(error.metadata.get('millrace-code')).toEqual([problem.code]);
    const details = (error.metadata.get('grpc-status-details-bin')[0] as Buffer).toString('latin1');
    for (const part of ['google.rpc.ErrorInfo', 'google.rpc.BadRequest', problem.code, problem.errors[0]!.path])
      expect(details).toContain(part);
  });
});
