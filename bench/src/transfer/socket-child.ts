import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type SecureContextOptions } from 'node:tls';
import type { LinkCredential } from '../../../apps/agent/src/data-plane/link/link-credential';
import { CIPHERS } from '../../../apps/agent/src/grpc/exchange/secure/attempt-context';
import { type Encryption, fromArgument, makeEncryption, toArgument } from './encryption';
import { MEASURED_BYTES, WARM_UP_BYTES, announcePort, megabytesPerSecond, startReceiver } from './receiver-process';

/** `send plain|tls SIZE …` prints {size: MB/s} of a raw socket, with `receive` in a second process that counts and acknowledges. */
const IN_FLIGHT_BYTES = 32 * 2 ** 20;
const ACKNOWLEDGEMENT_BYTES = 4;

/** A connection starts with the size of its messages; each complete one is answered by its number. */
function receive(encryption: Encryption): void {
  const onSocket = (socket: Socket): void => {
    let size = 0;
    let bytes = 0;
    let complete = 0;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      let fresh = chunk.length;
      if (size === 0) {
        size = chunk.readUInt32LE(0);
        fresh -= ACKNOWLEDGEMENT_BYTES;
      }
      bytes += fresh;
      for (; bytes >= size; bytes -= size) {
        const answer = Buffer.allocUnsafe(ACKNOWLEDGEMENT_BYTES);
        answer.writeUInt32LE(++complete);
        socket.write(answer);
      }
    });
  };
  const server =
    encryption === undefined
      ? createServer(onSocket)
      : createTlsServer({ ...contextOf(encryption, 1), requestCert: true }, onSocket);
  server.listen(0, '127.0.0.1', () => announcePort((server.address() as AddressInfo).port));
}

/** The same cipher, the same certificates: as TLS has it that an agent speaks. */
function contextOf(encryption: readonly LinkCredential[], rank: number): SecureContextOptions {
  const { authority, certificate, privateKey } = encryption[rank]!;
  return { ca: authority, cert: certificate, key: privateKey, ciphers: CIPHERS, minVersion: 'TLSv1.3' };
}

async function open(port: number, encryption: Encryption): Promise<Socket> {
  if (encryption === undefined) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }
  const checkServerIdentity = (): undefined => undefined;
  const socket = connectTls({ ...contextOf(encryption, 0), port, host: '127.0.0.1', checkServerIdentity });
  await once(socket, 'secureConnect');
  return socket;
}

async function send(encryption: Encryption, sizes: readonly number[]): Promise<void> {
  const receiver = await startReceiver(__filename, [toArgument(encryption)]);
  const result: Record<string, number> = {};
  for (const size of sizes) {
    const socket = await open(receiver.port, encryption);
    socket.setNoDelay(true);
    const hello = Buffer.alloc(ACKNOWLEDGEMENT_BYTES);
    hello.writeUInt32LE(size);
    socket.write(hello);
    const message = Buffer.alloc(size, 7);
    await transfer(socket, message, WARM_UP_BYTES / size);
    result[size] = await megabytesPerSecond(MEASURED_BYTES, () => transfer(socket, message, MEASURED_BYTES / size));
    socket.destroy();
  }
  receiver.stop();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

/** Sends `count` messages with at most IN_FLIGHT_BYTES not acknowledged; resolves when all are. */
function transfer(socket: Socket, message: Buffer, count: number): Promise<void> {
  const window = Math.max(1, IN_FLIGHT_BYTES / message.length);
  return new Promise((resolve) => {
    let sent = 0;
    let acknowledgedBytes = 0;
    const pump = (): void => {
      for (; sent < count && sent - Math.floor(acknowledgedBytes / ACKNOWLEDGEMENT_BYTES) < window; sent++)
        socket.write(message);
    };
    const onData = (chunk: Buffer): void => {
      acknowledgedBytes += chunk.length;
      if (acknowledgedBytes < count * ACKNOWLEDGEMENT_BYTES) return pump();
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
    pump();
  });
}

const [role, how, ...sizes] = process.argv.slice(2);
if (role === 'receive') receive(fromArgument(how));
else void (how === 'tls' ? makeEncryption() : Promise.resolve(undefined)).then((made) => send(made, sizes.map(Number)));
