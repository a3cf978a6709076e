import { mutated, randomDocument } from './documents.mjs';

/** Streams never end by themselves. */
const ANSWER_MS_MAX = 30_000;
const STREAM_MS = 200;
/** What would end the measurement itself, or take devices away from the run that must not be harmed. */
const LEFT_OUT = /:drain|:undrain|^\/session|\/tokens\/|\/users\/|:cancel|:pause|:generate/;

/** Requests drawn from the API's own description: some are right, most are wrong in one place. */
export class RestFuzz {
  #operations = [];

  constructor({ http, token }, random, judge) {
    this.http = http;
    this.token = token;
    this.random = random;
    this.judge = judge;
  }

  async prepare() {
    const document = await (await fetch(`${this.http}/api/openapi.json`)).json();
    this.document = document;
    for (const [path, item] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(item))
        if (!LEFT_OUT.test(path)) this.#operations.push({ path, method: method.toUpperCase(), operation });
  }

  async one() {
    const { random } = this;
    if (random.chance(0.4)) {
      const { path, type, body } = randomDocument(random);
      return this.#send({ url: `${this.http}/api/v1${path}`, method: 'POST', type, body });
    }
    const { path, method, operation } = random.pick(this.#operations);
    const parameters = operation.parameters ?? [];
    const filled = path.replace(/\{(\w+)\}/g, () => encodeURIComponent(this.#id()));
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && random.chance(0.5))
      .map(({ name, schema }) => `${name}=${encodeURIComponent(wellFormed(String(this.#value(schema))))}`)
      .join('&');
    const schema = operation.requestBody?.content?.['application/json']?.schema;
    const body = schema === undefined ? undefined : JSON.stringify(mutated(random, this.#value(schema)) ?? null);
    const url = `${this.http}${filled}${query === '' ? '' : `?${query}`}`;
    // A run that is submitted for good may take the devices of the one that must not be harmed.
    const dry = method === 'POST' && path.endsWith('/runs') ? `${url}${query === '' ? '?' : '&'}dryRun=true` : url;
    return this.#send({ url: dry, method, type: 'application/json', body });
  }

  #id() {
    const kind = this.random.pick(['run', 'ds', 'ckpt', 'agent', 'user', 'token']);
    return this.random.chance(0.5) ? `${kind}_${'0'.repeat(12)}` : wellFormed(this.random.text(4)) || 'x';
  }

  /** A value that the schema allows, as far as that is easy. */
  #value(schema, depth = 5) {
    const { random } = this;
    if (schema === undefined || depth === 0 || random.chance(0.05)) return random.anything(1);
    if (schema.$ref)
      return this.#value(
        schema.$ref
          .split('/')
          .slice(1)
          .reduce((at, key) => at?.[key], this.document),
        depth,
      );
    if (schema.enum) return random.pick(schema.enum);
    if (schema.const !== undefined) return schema.const;
    const choice = schema.anyOf ?? schema.oneOf;
    if (choice) return this.#value(random.pick(choice), depth - 1);
    const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
    if (type === 'object') {
      const required = schema.required ?? [];
      const entries = Object.entries(schema.properties ?? {})
        .filter(([key]) => required.includes(key) || random.chance(0.5))
        .map(([key, each]) => [key, this.#value(each, depth - 1)]);
      return Object.fromEntries(entries);
    }
    if (type === 'array') return random.many(0, 3, () => this.#value(schema.items, depth - 1));
    if (type === 'integer' || type === 'number')
      return random.int(schema.minimum ?? 0, Math.min(schema.maximum ?? 9, 9));
    if (type === 'boolean') return random.chance(0.5);
    return type === 'string' ? random.text(3) : null;
  }

  async #send({ url, method, type, body }) {
    const { random } = this;
    const headers = { 'content-type': type };
    if (random.chance(0.9)) headers.authorization = `Bearer ${random.chance(0.95) ? this.token : 'made-up'}`;
    if (random.chance(0.1)) headers['idempotency-key'] = `key-${random.int(0, 50)}`;
    const streams = /\/events/.test(url);
    const what = `${method} ${url} (${type}) ${String(body).slice(0, 2000)}`;
    const signal = AbortSignal.timeout(streams ? STREAM_MS : ANSWER_MS_MAX);
    try {
      const sent = method === 'GET' || method === 'HEAD' ? undefined : body;
      const response = await fetch(url, { method, headers, body: sent, signal });
      const answer = await response.text();
      if (response.status >= 500 && !isBusy(response.status, answer))
        this.judge(`${response.status}: ${what}\n${answer}`);
    } catch (error) {
      if (error.name === 'TimeoutError' && streams) return;
      if (error.name === 'TimeoutError') this.judge(`no answer within ${ANSWER_MS_MAX} ms: ${what}`);
      // The API may close a connection after an answer that the client did not wait for.
      else if (error.cause?.code !== 'ECONNRESET' && error.cause?.code !== 'UND_ERR_SOCKET')
        this.judge(`${error.cause ?? error}: ${what}`);
    }
  }
}

/** It says when to come again: that is an answer, not a failure. */
function isBusy(status, answer) {
  return status === 503 && /"code":"[A-Z]+\.[A-Z_]*BUSY"/.test(answer);
}

function wellFormed(text) {
  return text.replace(/[\ud800-\udfff]/g, '');
}
