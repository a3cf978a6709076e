import { join } from 'node:path';
import { runNode } from '../child';
import { leastOverSizes, type Measurement, median, type SizeResult } from '../measurement';

const CONTEXTS = [64, 128, 256, 512, 1024];
const ROUNDS = 3;

/** Times per second that a child process attends forward and backward, in either form. */
export interface AttentionRates {
  readonly flash: number;
  readonly naive: number;
}

/** Attention, forward and backward, beside the form that keeps its probabilities, in turns on the same adapter. */
export async function benchFlash(): Promise<Measurement> {
  const rounds: Record<string, AttentionRates>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await runNode(join(__dirname, 'flash-child.js'), CONTEXTS));
  }
  const rows = CONTEXTS.map((size): SizeResult => {
    const rate = (form: keyof AttentionRates): number =>
      median(rounds.map((results) => results[size]?.[form] ?? Number.NaN));
    const [ours, peer] = [rate('flash'), rate('naive')];
    return { size, ours, peer, ratio: ours / peer };
  });
  const how = `4 rows, 4 heads of 32, forward and backward in turns, median of 5, median of ${ROUNDS} processes`;
  return leastOverSizes('passes/s', rows, how);
}
