import { join } from 'node:path';
import { runNode } from './child';
import { type Measurement, type SizeResult, leastOverSizes, median } from './measurement';
import { PEERS } from './paths';

const SIZES = [256, 512, 1024];
const ROUNDS = 3;

/** GFLOP/s of the f32 matrix product beside tfjs on the same adapter, in turns. */
export async function benchMatmul(): Promise<Measurement> {
  const ours: Record<string, number>[] = [];
  const peer: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await runNode(join(__dirname, 'matmul-child.js'), SIZES));
    peer.push(await runNode(join(PEERS, 'tfjs-matmul.mjs'), SIZES));
  }
  const at = (results: Record<string, number>[], size: number): number =>
    median(results.map((result) => result[size] ?? Number.NaN));
  const rows = SIZES.map((size): SizeResult => {
    const [a, b] = [at(ours, size), at(peer, size)];
    return { size, ours: a, peer: b, ratio: a / b };
  });
  return leastOverSizes(
    'GFLOP/s',
    rows,
    `matmul_nn and tf.matMul, 8 products per wait, median of 5, median of ${ROUNDS} turns`,
  );
}
