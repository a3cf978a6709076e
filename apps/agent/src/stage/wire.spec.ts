import { systemClock } from '@millrace/core';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { plantOverflows } from '../../test/plant-overflows';
import { type Trained, trainRanks } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';

const STEPS = 5;

interface Sent extends Trained {
  /** What crossed between ranks, by kind of frame. */
  readonly dtypes: ReadonlyMap<string, ReadonlySet<string>>;
}

async function train({ overflows = [], ...options }: PlanOptions & { overflows?: readonly number[] }): Promise<Sent> {
  const dtypes = new Map<string, Set<string>>();
  const network = new InMemoryNetwork<TensorFrame>({
    now: () => systemClock.now(),
    onSend: (_from, _to, { edge, dtype }) => void dtypes.set(edge, (dtypes.get(edge) ?? new Set()).add(dtype)),
  });
  const trained = await trainRanks(attemptPlan({ steps: STEPS, ...options }), {
    openBackend: () =>
      plantOverflows(openCpuBackend(), { steps: overflows, parameter: 'transformer.h.1.mlp.c_fc.weight' }),
    transport: (rank) => network.transport(rank),
  });
  return { ...trained, dtypes };
}

const values = ({ metrics }: Trained, name: string): number[] => [...(metrics.get(name)?.values() ?? [])];
const weights = ({ checkpoints }: Trained): unknown =>
  [...checkpoints.get(STEPS)!].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('a wire of f16', () => {
  let exact: Sent;
  let rounded: Sent;
  beforeAll(async () => {
    exact = await train({ ranks: 2 });
    rounded = await train({ ranks: 2, wire: 'f16' });
  }, 60_000);

  it('carries activations and their gradients in half precision, and nothing else', () => {
    const of = ({ dtypes }: Sent, edge: string): string[] => [...(dtypes.get(edge) ?? [])];
    for (const edge of ['activation', 'gradient', 'evaluation'])
      expect([of(exact, edge), of(rounded, edge)], edge).toEqual([['f64'], ['f16']]);
    for (const edge of ['tied', 'norm', 'commit']) expect(of(rounded, edge), edge).toEqual(of(exact, edge));
  });

  it('rounds, which moves losses by no more than half precision does', () => {
    const [plain, half] = [values(exact, 'train/loss'), values(rounded, 'train/loss')];
    expect(half).not.toEqual(plain);
    half.forEach((loss, step) => expect(Math.abs(loss / plain[step]! - 1)).toBeLessThan(2 ** -10));
    // Later norms are of other weights: Adam's first updates amplify what was rounded.
    const [[norm], [halfNorm]] = [values(exact, 'train/grad_norm'), values(rounded, 'train/grad_norm')];
    expect(Math.abs(halfNorm! / norm! - 1)).toBeLessThan(2 ** -10);
    expect(values(rounded, 'val/loss')).not.toEqual(values(exact, 'val/loss'));
  });

  it('scales gradients, of which half precision would lose the small ones', async () => {
    expect(values(rounded, 'train/loss_scale')).toEqual(Array(STEPS).fill(65_536));
    const skipped = await train({ ranks: 2, wire: 'f16', overflows: [2, 3] });
    expect(values(skipped, 'train/loss_scale')).toEqual([65_536, 65_536, 65_536, 32_768, 32_768]);
    expect(values(skipped, 'train/grad_norm')).toHaveLength(STEPS - 2);
  });

  it.each([
    { schedule: 'gpipe', recompute: 'full' },
    { schedule: 'zb-h2', recompute: 'selective' },
  ] as const)('gives the same bits under $schedule with recompute $recompute, for one split', async (options) => {
    const trained = await train({ ranks: 2, wire: 'f16', ...options });
    for (const name of ['train/loss', 'train/grad_norm', 'val/loss'])
      expect(values(trained, name), name).toEqual(values(rounded, name));
    expect(weights(trained)).toEqual(weights(rounded));
  });

  it('depends on where stages begin, with several on a rank too', async () => {
    const three = await train({ ranks: 3, wire: 'f16' });
    expect(values(three, 'train/loss')).not.toEqual(values(rounded, 'train/loss'));
    // Four stages have the same ends on two ranks and on four, and where nothing but a stage's copy crosses them.
    const split = { partition: [1, 1, 1, 1], wire: 'f16' } as const;
    const spread = await train({ ...split, ranks: 4 });
    const interleaved = await train({ ...split, ranks: 2, schedule: 'interleaved', chunks: 2 });
    const folded = await train({ ...split, ranks: 2, schedule: 'zb-v', chunks: 2 });
    for (const trained of [interleaved, folded]) {
      expect(values(trained, 'train/loss')).toEqual(values(spread, 'train/loss'));
      expect(weights(trained)).toEqual(weights(spread));
    }
  });

  it('is no matter of one rank, whose bits and metrics stay', async () => {
    const [one, half] = [await train({ ranks: 1 }), await train({ ranks: 1, wire: 'f16' })];
    expect([values(half, 'train/loss'), half.metrics.has('train/loss_scale')]).toEqual([
      values(one, 'train/loss'),
      false,
    ]);
    expect(weights(half)).toEqual(weights(one));
  });
});
