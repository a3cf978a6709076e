import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { ROOT } from '../process/stamp.mjs';

const FILES = [
  ...['millrace/agent/v1/agent.proto', 'millrace/blob/v1/blob.proto', 'millrace/run/v1/run.proto'],
  'grpc/health/v1/health.proto',
];
const CALL_MS = 2_000;
const DEPTH_MAX = 5;
/** A failure of the API itself, whatever it was asked. */
const FAILURES = [grpc.status.INTERNAL, grpc.status.UNKNOWN, grpc.status.DATA_LOSS];
/** Runs that are submitted for good or cancelled may harm the one that trains. */
const LEFT_OUT = ['Submit', 'Cancel'];

/** Calls of every method with messages drawn from its descriptor. */
export class GrpcFuzz {
  constructor({ grpc: address, token }, random, judge) {
    this.random = random;
    this.judge = judge;
    this.token = token;
    this.definition = protoLoader.loadSync(FILES, { includeDirs: [join(ROOT, 'proto')], defaults: true });
    this.client = new grpc.Client(address, grpc.credentials.createInsecure());
    this.methods = Object.values(this.definition)
      .filter((each) => each.format === undefined)
      .flatMap((service) => Object.values(service))
      .filter(({ path }) => !LEFT_OUT.some((name) => path.endsWith(`/${name}`)));
  }

  close() {
    this.client.close();
  }

  one() {
    const { random } = this;
    const method = random.pick(this.methods);
    const metadata = new grpc.Metadata();
    if (random.chance(0.9)) metadata.set('authorization', `Bearer ${random.chance(0.9) ? this.token : 'made-up'}`);
    const messages = random.many(1, 6, () => this.#message(method.requestType.type, DEPTH_MAX));
    return new Promise((resolve) => {
      const what = `${method.path} ${text(messages)}`;
      const done = (error) => {
        if (error && FAILURES.includes(error.code)) this.judge(`${error.message}: ${what}`);
        resolve();
      };
      // The deadline ends streams that would go on.
      const options = { deadline: Date.now() + random.int(50, CALL_MS) };
      const { path, requestSerialize: write, responseDeserialize: read } = method;
      if (!method.requestStream && !method.responseStream)
        return this.client.makeUnaryRequest(path, write, read, messages[0], metadata, options, done);
      const call = method.requestStream
        ? method.responseStream
          ? this.client.makeBidiStreamRequest(path, write, read, metadata, options)
          : this.client.makeClientStreamRequest(path, write, read, metadata, options, done)
        : this.client.makeServerStreamRequest(path, write, read, messages[0], metadata, options);
      call
        .on('error', done)
        .on('end', () => done())
        .on('data', () => undefined);
      if (!method.requestStream) return undefined;
      for (const message of messages) call.write(message);
      if (random.chance(0.5)) call.end();
      else if (random.chance(0.3)) call.cancel();
      return undefined;
    });
  }

  #message(type, depth) {
    const { random } = this;
    const fields = type.field.filter(() => depth > 0 && random.chance(0.7));
    // Of the members of a oneof one counts.
    const chosen = new Map(fields.map((field) => [field.oneofIndex ?? field.name, field]));
    const all = [...new Set([...chosen.values(), ...fields.filter(({ oneofIndex }) => oneofIndex === undefined)])];
    return Object.fromEntries(all.map((field) => [camel(field.name), this.#field(field, depth)]));
  }

  #field(field, depth) {
    if (field.label !== 'LABEL_REPEATED') return this.#value(field, depth);
    const values = this.random.many(0, 4, () => this.#value(field, depth));
    const entry = this.definition[field.typeName];
    if (entry?.type?.options?.mapEntry !== true) return values;
    return Object.fromEntries(values.map(({ key = '', value }) => [key, value]));
  }

  #value({ type, typeName }, depth) {
    const { random } = this;
    if (type === 'TYPE_MESSAGE') return this.#message(this.#typeOf(typeName), depth - 1);
    if (type === 'TYPE_STRING') return random.text(random.chance(0.05) ? 2000 : 5).replace(/[\ud800-\udfff]/g, '');
    if (type === 'TYPE_BYTES') return random.bytes(random.int(0, 64));
    if (type === 'TYPE_BOOL') return random.chance(0.5);
    if (type === 'TYPE_DOUBLE' || type === 'TYPE_FLOAT')
      return random.pick([0, -1, 1.5, NaN, Infinity, 1e308, -1e-320]);
    return random.pick(
      [0, 1, 2, -1, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 53 - 1].filter((each) => each >= 0 || !/UINT/.test(type)),
    );
  }

  #typeOf(name) {
    const bare = name.replace(/^\./, '');
    const found =
      this.definition[bare] ?? Object.entries(this.definition).find(([key]) => key.endsWith(`.${bare}`))?.[1];
    return found?.type ?? { field: [] };
  }
}

function camel(name) {
  return name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

function text(messages) {
  return JSON.stringify(messages, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ).slice(0, 2000);
}
