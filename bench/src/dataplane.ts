import { join } from 'node:path';
import { runNode } from './child';
import { type Measurement, type SizeResult, leastOverSizes, median } from './measurement';

const SIZES = [2 ** 16, 2 ** 20, 4 * 2 ** 20, 16 * 2 ** 20];
const ROUNDS = 3;

/** MB/s of the agents' data plane from one process to another beside a raw Node socket, in turns. */
export async function benchDataplane(): Promise<Measurement> {
  const ours: Record<string, number>[] = [];
  const peer: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await runNode(join(__dirname, 'transfer', 'dataplane-child.js'), ['send', ...SIZES]));
    peer.push(await runNode(join(__dirname, 'transfer', 'socket-child.js'), ['send', ...SIZES]));
  }
  const at = (results: Record<string, number>[], size: number): number =>
    median(results.map((result) => result[size] ?? Number.NaN));
  const rows = SIZES.map((size): SizeResult => {
    const [a, b] = [at(ours, size), at(peer, size)];
    return { size, ours: a, peer: b, ratio: a / b };
  });
  const how = [
    'payloads of size bytes on loopback, sender and receiver in two processes, 32 MiB in flight',
    "the socket's receiver counts bytes and acknowledges each message",
    `median of ${ROUNDS} turns`,
  ].join('; ');
  return leastOverSizes('MB/s', rows, how);
}
