import { type Backend, openCpuBackend } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { StageMemory } from './stage-memory';
import { stagePlan } from './stage-plan';

function f32Bytes(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 4);
}

/** A twin that counts its tensors as f32, as a device would hold them. */
function countingBackend(): Backend {
  const backend = openCpuBackend();
  const allocate = backend.allocate.bind(backend);
  let bytes = 0;
  backend.allocate = (declaration) => {
    bytes += f32Bytes(declaration.shape);
    return allocate(declaration);
  };
  backend.openStaging = (size, count) => {
    bytes += size * count;
    return { bytes: size, count };
  };
  backend.allocatedBytes = () => bytes;
  return backend;
}

function open(options: PlanOptions, rank: number): Promise<StageMemory> {
  return StageMemory.open(countingBackend(), stagePlan({ ...attemptPlan(options), rank }));
}

describe('StageMemory', () => {
  it.each(['none', 'selective', 'full'] as const)(
    'allocates what was predicted, to the byte, with recompute %s',
    async (recompute) => {
      for (const schedule of ['1f1b', 'gpipe'] as const) {
        for (const validation of [0, 0.1]) {
          for (const rank of [0, 1, 2]) {
            const memory = await open({ ranks: 3, schedule, microBatches: 5, recompute, validation }, rank);
            expect(memory.allocatedBytes).toBe(memory.predictedBytes);
          }
        }
      }
    },
  );

  it('allocates what was predicted for dropout, of both families, to the byte', async () => {
    for (const model of [{ dropout: 0.1 }, { dropout: 0.1, family: 'llama' as const, headSize: 6 }]) {
      for (const recompute of ['none', 'full'] as const) {
        for (const rank of [0, 1]) {
          const memory = await open({ ranks: 2, microBatches: 5, recompute, model }, rank);
          expect(memory.allocatedBytes).toBe(memory.predictedBytes);
        }
      }
    }
  });

  it('holds a copy of weights and optimizer state where it steps optimistically, as predicted', async () => {
    for (const schedule of ['zb-h2', 'zb-v', 'dualpipe-v'] as const) {
      const [on, off] = await Promise.all(
        [true, false].map((optimisticStep) => open({ ranks: 2, schedule, optimisticStep }, 1)),
      );
      expect(on!.allocatedBytes).toBe(on!.predictedBytes);
      expect(off!.allocatedBytes).toBe(off!.predictedBytes);
      // AdamW: a weight and two moments of each.
      const copied = on!.chunks.flatMap(({ optimizer }) =>
        optimizer.packs.filter(({ whole }) => whole.role !== 'gradient'),
      );
      const bytes = copied.reduce((sum, { whole }) => sum + f32Bytes(whole.shape), 0);
      expect(on!.allocatedBytes - off!.allocatedBytes).toBe(bytes);
      const parameters = on!.chunks.flatMap(({ programs }) => programs.parameters);
      expect(bytes).toBeGreaterThanOrEqual(3 * parameters.reduce((sum, { shape }) => sum + f32Bytes(shape), 0));
    }
  });

  it('holds nothing of an evaluation where there is no validation', async () => {
    const [without, validated] = await Promise.all([0, 0.1].map((validation) => open({ ranks: 2, validation }, 0)));
    // Nothing of F is scratch where nothing is recomputed, and everything of an evaluation is.
    expect(() => without!.chunk(0).tensor('scratch.mid_NC')).toThrow('has no tensor');
    expect(validated!.chunk(0).tensor('scratch.mid_NC')).toBeDefined();
  });

  it('holds less the more is recomputed', async () => {
    const sizes = await Promise.all(
      (['none', 'selective', 'full'] as const).map(async (recompute) => {
        return (await open({ ranks: 1, schedule: 'gpipe', microBatches: 8, recompute }, 0)).allocatedBytes;
      }),
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(new Set(sizes).size).toBe(3);
  });

  it('gives each micro-batch in flight tensors of its own, and the backward one set where W follows I', async () => {
    const memory = (await open({ ranks: 2, schedule: '1f1b', microBatches: 5 }, 0)).chunk(0);
    const tensor = (microBatch: number, name: string): unknown => memory.slot(microBatch).tensors.get(name);
    const { output, outputGradient } = memory.programs;
    expect(tensor(0, output!.name)).not.toBe(tensor(1, output!.name));
    expect(tensor(0, output!.name)).toBe(tensor(2, output!.name));
    expect(tensor(0, outputGradient!.name)).toBe(tensor(1, outputGradient!.name));
  });
});
