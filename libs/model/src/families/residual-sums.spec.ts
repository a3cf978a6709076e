import type { ModelConfig } from '@millrace/core';
import type { Operation, Program } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { wholeModel } from '../model-config';
import { buildStagePrograms } from '../stage-programs';

const SIZES = { layers: 2, heads: 2, hidden: 16, ffn: 24, context: 8, vocab: 11, tieEmbeddings: true } as const;

function operations({ steps }: Program): Operation[] {
  return steps.filter((step): step is Operation => 'kernel' in step);
}

describe.each(['gpt2', 'llama'] as const)('the residual stream of %s', (family) => {
  const config: ModelConfig = { family, ...SIZES };
  const programs = buildStagePrograms(config, wholeModel(config), { microBatch: 2 });

  it('is added to in the product before each norm but the first', () => {
    const steps = operations(programs.forward);
    const before = steps.flatMap(({ kernel }, index) => (kernel.endsWith('norm_forward') ? [steps[index - 1]!] : []));
    expect(before).toHaveLength(2 * SIZES.layers + 1);
    for (const { kernel, dims } of before.slice(1)) {
      expect(kernel).toMatch(/^matmul_/);
      expect(dims['residual']).toBe(1);
    }
    expect(steps.filter(({ kernel }) => kernel === 'add')).toEqual([]);
  });

  it('has its gradient added in the launch of each norm but the last', () => {
    const steps = operations(programs.backwardInput).filter(({ kernel }) => kernel.endsWith('norm_backward_input'));
    expect(steps.map(({ dims }) => dims['residual'])).toEqual([0, ...Array<number>(2 * SIZES.layers).fill(1)]);
  });
});
