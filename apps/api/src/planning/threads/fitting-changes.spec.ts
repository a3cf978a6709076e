import { modelConfigOf, type RunSpecInput, runSpecSchema } from '@millrace/contracts';
import { expect, it } from 'vitest';
import { fittingChanges } from './fitting-changes';
import type { RunPlanOptions } from './plan-run';
import { shapeRun } from './run-shape';

function options(memoryBytes: number, parallel: RunSpecInput['parallel'] = {}, deviceCount = 4): RunPlanOptions {
  const spec = runSpecSchema.parse({
    name: 'large',
    model: { family: 'gpt2', layers: 8, heads: 4, hidden: 64, context: 128, vocab: 300 },
    data: { dataset: 'any' },
    train: { steps: 1, batch: { global: 48, micro: 12 }, optimizer: { type: 'adamw', lr: 1e-3 } },
    parallel: { pp: 2, ...parallel },
  });
  const devices = Array.from({ length: deviceCount }, (_, device) => ({
    label: `${device}`,
    memoryBytes,
    isSoftware: true as const,
    benchmark: {},
  }));
  return { spec, model: modelConfigOf(spec, 300), devices, deviceOrder: 'free' };
}

/** What the largest rank of an even split needs. */
const largest = ({ spec, model }: RunPlanOptions): number =>
  Math.max(...shapeRun(spec, model).memory.map(({ total }) => total));

it('names each change that is enough alone, with the least of smaller micro-batches and more stages', () => {
  expect(fittingChanges(options(0.9 * largest(options(0))))).toBe(
    'it fits with parallel.recompute selective, or with train.batch.micro 8, or with parallel.pp 3',
  );
});

it('leaves out what is not enough, or cannot be changed', () => {
  const full = { recompute: 'full' } as const;
  const bytes = largest(options(0, full));
  expect(fittingChanges(options(1.05 * bytes))).toMatch(
    /^it fits with parallel.recompute full, or with train.batch.micro \d/,
  );
  const fixed = { ...full, partition: [4, 4] };
  expect(fittingChanges(options(0.9 * bytes, fixed))).toMatch(/^it fits with train.batch.micro \d$/);
});

it('says that all changes together are needed, or are too little', () => {
  const micro = options(0, { recompute: 'full', pp: 4 });
  const least = { ...micro, spec: { ...micro.spec, train: { ...micro.spec.train, batch: { global: 48, micro: 1 } } } };
  const together = 'parallel.recompute full, train.batch.micro 1, parallel.pp 4 together';
  expect(fittingChanges(options(1.05 * largest(least)))).toBe(`it fits with ${together}`);
  expect(fittingChanges(options(0.2 * largest(least)))).toBe(
    `it does not fit even with ${together}: use devices with more memory, or more of them`,
  );
});
