import { connect } from 'node:net';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_TYPES = 12;

/** Connections that say what no client would, or stop in the middle of it. */
export class SocketFuzz {
  constructor({ http, dataPorts }, random) {
    const { hostname, port } = new URL(http);
    this.http = { host: hostname, port: Number(port) };
    this.dataPorts = dataPorts;
    this.random = random;
  }

  one() {
    const { random } = this;
    if (this.dataPorts.length > 0 && random.chance(0.5))
      return this.#connection(random.pick(this.dataPorts), () => this.#http2());
    return this.#connection(this.http, () => Buffer.from(this.#http1(), 'latin1'));
  }

  /** Frames of HTTP/2, mostly with a right length, after a preface that is mostly there. */
  #http2() {
    const { random } = this;
    const frames = random.many(0, 30, () => {
      const payload = random.bytes(random.pick([0, 4, 6, 8, 16, 64]));
      const head = Buffer.alloc(9);
      head.writeUIntBE(random.chance(0.95) ? payload.length : random.int(0, 0xffffff), 0, 3);
      head[3] = random.int(0, FRAME_TYPES);
      head[4] = random.chance(0.5) ? 0 : random.int(0, 255);
      head.writeUInt32BE(random.pick([0, 0, 1, 3, 2, 0x7fffffff, 0xffffffff]), 5);
      return Buffer.concat([head, payload]);
    });
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const start = random.chance(0.9) ? [Buffer.from(PREFACE), settings] : [random.bytes(24)];
    return Buffer.concat([...start, ...frames]);
  }

  #http1() {
    const { random } = this;
    const length = random.pick(['0', '4', '99999999', '-1', 'x', '1e3', '4, 4', '0x10']);
    const headers = random.many(0, 6, () =>
      random.pick([
        `Content-Length: ${length}`,
        'Transfer-Encoding: chunked',
        'Transfer-Encoding: gzip, chunked',
        'Expect: 100-continue',
        'Connection: close',
        'Content-Type: application/json',
        'Authorization: Bearer made-up',
        `X-Long: ${'x'.repeat(random.int(0, 20_000))}`,
        `${random.text(3)}: ${random.text(3)}`,
      ]),
    );
    const method = random.pick(['GET', 'POST', 'PUT', 'OPTIONS', 'CONNECT', 'PRI', random.text(2)]);
    const path = random.pick([
      '/',
      '/healthz',
      '/api/v1/runs',
      '/api/v1/session',
      '*',
      'http://x/',
      `/${random.text(5)}`,
    ]);
    const body = random.pick(['', '{}', '4\r\nabcd\r\n0\r\n\r\n', 'ffffffffffff\r\n', random.text(10)]);
    const head = `${method} ${path} HTTP/${random.pick(['1.1', '1.0', '2.0', '9'])}\r\nHost: x\r\n`;
    return `${head}${headers.join('\r\n')}${headers.length > 0 ? '\r\n' : ''}\r\n${body}`;
  }

  /** All at once, or byte by byte; then it is ended, reset, or left open for a while. */
  #connection({ host, port }, make) {
    const { random } = this;
    const bytes = make();
    const [slowly, ending] = [random.chance(0.1), random.pick(['end', 'reset', 'wait'])];
    return new Promise((resolve) => {
      const socket = connect(port, host);
      const timer = setTimeout(() => socket.destroy(), 1_000);
      socket.on('error', () => undefined).on('data', () => undefined);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.once('connect', () => {
        if (!slowly) socket.write(bytes);
        else for (const byte of bytes.subarray(0, 50)) socket.write(Buffer.from([byte]));
        if (ending === 'end') socket.end();
        if (ending === 'reset') setImmediate(() => socket.resetAndDestroy());
      });
    });
  }
}
