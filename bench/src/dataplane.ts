import { join } from 'node:path';
import { runNode } from './child';
import { type Measurement, type SizeResult, leastOverSizes, median } from './measurement';

const SIZES = [2 ** 16, 2 ** 20, 4 * 2 ** 20, 16 * 2 ** 20];
const ROUNDS = 3;

type Speeds = Record<string, number>;

/** MB/s of the agents' data plane from one process to another beside a raw Node socket, both with or without TLS. */
export async function benchDataplane(how: 'plain' | 'tls'): Promise<Measurement> {
  const ours: Speeds[] = [];
  const peer: Speeds[] = [];
  const measure = (program: string): Promise<Speeds> =>
    runNode(join(__dirname, 'transfer', program), ['send', how, ...SIZES]);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure('dataplane-child.js'));
    peer.push(await measure('socket-child.js'));
  }
  const at = (results: Speeds[], size: number): number => median(results.map((result) => result[size] ?? Number.NaN));
  const rows = SIZES.map((size): SizeResult => {
    const [a, b] = [at(ours, size), at(peer, size)];
    return { size, ours: a, peer: b, ratio: a / b };
  });
  const told = [
    'payloads of size bytes on loopback, sender and receiver in two processes, 32 MiB in flight',
    "the socket's receiver counts bytes and acknowledges each message",
    ...(how === 'tls' ? ['both over TLS 1.3 with AES-128-GCM and certificates of both ends'] : []),
    `median of ${ROUNDS} turns`,
  ].join('; ');
  return leastOverSizes('MB/s', rows, told);
}
