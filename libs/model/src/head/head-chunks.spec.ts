import type { ModelConfig } from '@millrace/core';
import { type Operation, type Program, splitProducts } from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import { keptBytes } from '../estimates';
import { wholeModel } from '../model-config';
import { buildStagePrograms, type StagePrograms } from '../stage-programs';

const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 1,
  heads: 2,
  hidden: 32,
  ffn: 64,
  context: 32,
  vocab: 1000,
  tieEmbeddings: true,
};
/** 4 sequences are 128 rows: parts of 64 rows, and of 448 columns. */
const OPTIONS = { microBatch: 4, headBytesMax: 4 * 64_000 };

function build(vocab: number, headBytesMax = OPTIONS.headBytesMax): StagePrograms {
  return buildStagePrograms({ ...CONFIG, vocab }, wholeModel(CONFIG), { ...OPTIONS, headBytesMax });
}

function operations(program: Program, kernel: string): Operation[] {
  return (program.steps as Operation[]).filter((step) => step.kernel === kernel);
}

describe('a head whose logits are too large to be kept', () => {
  it('keeps no logits, and has one buffer for its parts', () => {
    const logits = build(1000)
      .tensors()
      .filter(({ name }) => name.includes('logits'));
    expect(logits).toEqual([{ name: 'scratch.logits_L', shape: [64_000], dtype: 'f32', role: 'scratch' }]);
    const kept = build(1000, 4 * 128_000).tensors();
    expect(kept.map(({ name }) => name)).toEqual(expect.arrayContaining(['head.logits_NV', 'head.logits.grad_NV']));
  });

  it.each([64, 512])(
    'is added up on a GPU as one whose logits are kept, in parts of %i: none is split over K',
    (count) => {
      // Its parts have few tiles, and K of the width, of a part of the vocabulary, or of all rows.
      const wide = { ...CONFIG, hidden: 512, context: 512 };
      const options = { microBatch: 1, headBytesMax: 4 * 512 * count };
      const programs = buildStagePrograms(wide, wholeModel(wide), options);
      for (const program of [programs.forward, programs.backwardInput, programs.backwardWeight]) {
        const ofHead = program.steps.filter(
          (step) => 'tensors' in step && JSON.stringify(step.tensors).includes('logits'),
        );
        expect(ofHead.length, program.name).toBeGreaterThan(1);
        expect(splitProducts({ ...program, steps: ofHead }, { adapterClass: 'gpu' }).steps).toEqual(ofHead);
      }
    },
  );

  it('takes the loss of some rows, then the gradients of some columns at a time', () => {
    const { forward, backwardInput, backwardWeight, evaluate } = build(1000);
    for (const program of [forward, evaluate]) {
      expect(operations(program, 'cross_entropy_forward').map(({ tensors }) => tensors['loss_N'])).toEqual([
        { tensor: 'loss_N', offset: 0, length: 64 },
        { tensor: 'loss_N', offset: 64, length: 64 },
      ]);
    }
    const columns = [
      { N: 128, V: 448, first: 0 },
      { N: 128, V: 448, first: 448 },
      { N: 128, V: 104, first: 896 },
    ];
    for (const program of [backwardInput, backwardWeight]) {
      expect(operations(program, 'cross_entropy_gradient').map(({ dims }) => dims)).toEqual(columns);
    }
    const sums = operations(backwardInput, 'matmul_nn').filter(
      ({ tensors }) => tensors['c_MN'] === 'head.norm.grad_NC',
    );
    expect(sums.map(({ dims }) => [dims['K'], dims['continued']])).toEqual([
      [448, 0],
      [448, 1],
      [104, 1],
    ]);
    const gradient = 'transformer.wte.weight.head_grad';
    const rows = operations(backwardWeight, 'matmul_tn').flatMap(({ tensors }) =>
      typeof tensors['c_MN'] === 'object' ? [tensors['c_MN']] : [],
    );
    expect(rows).toEqual(columns.map(({ first, V }) => ({ tensor: gradient, offset: first * 32, length: V * 32 })));
  });

  it('keeps the same for every vocabulary, and its buffer has a bound', () => {
    const kept = [600, 1000, 50_257].map((vocab) => {
      const { fromForward, fromInput } = keptBytes({ ...CONFIG, vocab }, wholeModel(CONFIG), OPTIONS);
      return { fromForward, fromInput };
    });
    expect(kept).toEqual([kept[0], kept[0], kept[0]]);
    const buffer = (vocab: number): number => {
      const found = build(vocab)
        .tensors('scratch')
        .find(({ name }) => name === 'scratch.logits_L');
      return elementCount(found!.shape);
    };
    for (const vocab of [501, 600, 900, 1000]) expect(buffer(vocab), String(vocab)).toBeLessThanOrEqual(64_000);
    // A part has 64 rows at least, however large the vocabulary.
    expect(buffer(50_257)).toBe(64 * 50_257);
  });
});
