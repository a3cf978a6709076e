import { silentLogger, systemClock } from '@millrace/core';
import type { AttemptLinks } from '../../../apps/agent/src/data-plane/attempt-links';
import { DataPlane } from '../../../apps/agent/src/data-plane/data-plane';
import type { TensorFrame, FrameKey } from '../../../apps/agent/src/data-plane/frame';
import { DEFAULT_LINK_LIMITS } from '../../../apps/agent/src/data-plane/link/frame-channel';
import { ANY_FRAMES } from '../../../apps/agent/test/any-frames';
import { LinkTransport } from '../../../apps/agent/test/link-transport';
import { ExchangeDialer } from '../../../apps/agent/src/grpc/exchange/exchange-dialer';
import { ExchangeServer } from '../../../apps/agent/src/grpc/exchange/exchange-server';
import { type Encryption, fromArgument, makeEncryption, RUN, toArgument } from './encryption';
import { MEASURED_BYTES, WARM_UP_BYTES, announcePort, megabytesPerSecond, startReceiver } from './receiver-process';

/**
 * `send plain|tls SIZE …` prints {size: MB/s}, with `receive …` in a second process: rank 0 and rank 1 of an attempt.
 */

interface End {
  readonly plane: DataPlane;
  readonly transport: LinkTransport;
  readonly links: AttemptLinks;
}

function openEnd(rank: number, peerAddress: string, encryption: Encryption): End {
  const plane = new DataPlane({
    dialer: new ExchangeDialer(),
    limits: DEFAULT_LINK_LIMITS,
    clock: systemClock,
    random: () => 0.5,
    logger: silentLogger,
  });
  const transport = new LinkTransport(() => systemClock.now());
  const links = plane.open({
    ...RUN,
    rank,
    peers: [{ rank: 1 - rank, address: peerAddress }],
    bounds: ANY_FRAMES,
    credential: encryption?.[rank],
    firstAcceptMs: 10_000,
    lostAfterMs: 10_000,
    onFrame: (delivered) => transport.onFrame(delivered),
    onPeerDead: (_, error) => {
      throw error;
    },
  });
  transport.attach(links);
  return { plane, transport, links };
}

/** Both ends count the frames of a size in the same way: first those that warm up, then those that are measured. */
function framesOf(sizes: readonly number[]): { size: number; step: number; count: number; measured: boolean }[] {
  return sizes.flatMap((size, index) => [
    { size, step: 2 * index + 1, count: WARM_UP_BYTES / size, measured: false },
    { size, step: 2 * index + 2, count: MEASURED_BYTES / size, measured: true },
  ]);
}

const frameKey = (step: number, microBatch: number): FrameKey => ({
  edge: 'activation',
  step,
  microBatch,
  chunk: 0,
  fromRank: 0,
  rollbacks: 0,
});

/** An agent takes TLS on every address but loopback; 0.0.0.0 is reached over loopback all the same. */
const hostFor = (encryption: Encryption): string => (encryption === undefined ? '127.0.0.1' : '0.0.0.0');

async function receive(encryption: Encryption, sizes: readonly number[]): Promise<void> {
  const { plane, transport } = openEnd(1, 'nobody', encryption);
  announcePort(await new ExchangeServer(plane, silentLogger).listen(hostFor(encryption), 0));
  for (const { step, count } of framesOf(sizes)) {
    for (let index = 0; index < count; index++) {
      // As TensorExchange does once the device has a copy.
      transport.release(await transport.receive(frameKey(step, index)));
    }
  }
}

async function send(encryption: Encryption, sizes: readonly number[]): Promise<void> {
  const receiver = await startReceiver(__filename, [toArgument(encryption), ...sizes.map(String)]);
  const { transport, links } = openEnd(0, `${hostFor(encryption)}:${receiver.port}`, encryption);
  const result: Record<string, number> = {};
  for (const { size, step, count, measured } of framesOf(sizes)) {
    const payload = new Uint8Array(size).map((_, index) => index & 255);
    const frame = { chunk: 0, direction: 'forward', dtype: 'f32', shape: [size / 4], payload } as const;
    const speed = await megabytesPerSecond(count * size, async () => {
      for (let index = 0; index < count; index++) {
        await transport.send(1, { ...frame, ...frameKey(step, index) } satisfies TensorFrame);
      }
      await links.drain();
    });
    if (measured) result[size] = speed;
  }
  receiver.stop();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

const [role, how, ...sizes] = process.argv.slice(2);
if (role === 'receive') void receive(fromArgument(how), sizes.map(Number));
else void (how === 'tls' ? makeEncryption() : Promise.resolve(undefined)).then((made) => send(made, sizes.map(Number)));
