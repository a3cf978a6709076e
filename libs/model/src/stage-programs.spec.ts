import { type ModelConfig, type Recompute, RECOMPUTE_SETTINGS } from '@millrace/core';
import { KERNELS, type Program, type ProgramStep } from '@millrace/kernels';
import { tensorOf } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import {
  type KeptBytes,
  keptBytes,
  stageFlops,
  type StageMemoryBytes,
  stageMemoryBytes,
  type StageWork,
} from './estimates';
import { stageSlices, wholeModel } from './model-config';
import type { Optimizer } from './training/optimizer';
import { sequenceWords } from './stage/dropout';
import { buildOptimizerPrograms } from './training/optimizer-programs';
import { allParameters, parameterCount } from './parameters';
import { buildStagePrograms, type StagePrograms } from './stage-programs';

const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 4,
  heads: 3,
  hidden: 60,
  ffn: 100,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};
const LLAMA: ModelConfig = { ...CONFIG, family: 'llama', heads: 6, kvHeads: 2, headSize: 14 };
const ADAMW: Optimizer = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 };
const SPLITS = [[4], [2, 2], [2, 1, 1], [1, 1, 1, 1], [0, 4, 0], [4, 0]];

/** Names a step reads before it writes them, and names it writes. */
function access(step: ProgramStep): { reads: string[]; writes: string[] } {
  if ('clear' in step) return { reads: [], writes: [tensorOf(step.clear)] };
  const { bindings } = KERNELS[step.kernel];
  const named = (wanted: string): string[] =>
    bindings.filter((binding) => binding.access === wanted).map(({ name }) => tensorOf(step.tensors[name]!));
  return { reads: named('read'), writes: named('read_write') };
}

/** Names read by `program` that it has not written before. */
function outsideReads(program: Program): Set<string> {
  const written = new Set<string>();
  const outside = new Set<string>();
  for (const step of program.steps) {
    const { reads, writes } = access(step);
    for (const name of reads) if (!written.has(name)) outside.add(name);
    for (const name of writes) written.add(name);
  }
  return outside;
}

function writesOf(program: Program): Set<string> {
  return new Set(program.steps.flatMap((step) => access(step).writes));
}

/** What W leaves behind: scratch, and what it computes again, is nobody's. */
function gradientsOf(program: Program): Set<string> {
  const gradients = new Set(program.tensors.filter(({ role }) => role === 'gradient').map(({ name }) => name));
  return new Set([...writesOf(program)].filter((name) => gradients.has(name)));
}

function roleOf(stage: StagePrograms, name: string): string | undefined {
  return stage.tensors().find((tensor) => tensor.name === name)?.role;
}

/** Name of the token embedding: a model's first parameter. */
function embeddingOf(config: ModelConfig): string {
  return allParameters(config)[0]?.name ?? '';
}

function stagesOf(
  config: ModelConfig,
  layersPerStage: readonly number[],
  recompute: Recompute = 'none',
): StagePrograms[] {
  return stageSlices(config, layersPerStage).map((slice) => {
    return buildStagePrograms(config, slice, { microBatch: 5, recompute });
  });
}

const CONFIGS = [CONFIG, LLAMA].flatMap((config) => [config, { ...config, dropout: 0.1 }]);
const CASES = CONFIGS.flatMap((config) =>
  RECOMPUTE_SETTINGS.flatMap((recompute) => SPLITS.map((split) => ({ config, ...config, split, recompute }))),
);

describe.each(CASES)('$family, dropout $dropout: stages of $split layers, recompute $recompute', (testCase) => {
  const { config, split, recompute } = testCase;
  const embedding = embeddingOf(config);
  const stages = [true, false].flatMap((tieEmbeddings) => stagesOf({ ...config, tieEmbeddings }, split, recompute));

  it('F reads only parameters and inputs', () => {
    for (const stage of stages) {
      for (const program of [stage.forward, stage.evaluate]) {
        for (const name of outsideReads(program))
          expect(['parameter', 'input', 'constant']).toContain(roleOf(stage, name));
      }
    }
  });

  it('I reads parameters, inputs, scalars and what F saved; W also what I deferred', () => {
    for (const stage of stages) {
      const saved = writesOf(stage.forward);
      const deferred = writesOf(stage.backwardInput);
      for (const name of outsideReads(stage.backwardInput)) {
        const given = ['parameter', 'input', 'scalar', 'constant'].includes(roleOf(stage, name) as string);
        expect(given || saved.has(name), name).toBe(true);
      }
      for (const name of outsideReads(stage.backwardWeight)) {
        // Norms that W computes again read their parameters.
        const given = ['input', 'constant', ...(recompute === 'selective' ? ['parameter'] : [])].includes(
          roleOf(stage, name) ?? '',
        );
        expect(given || saved.has(name) || deferred.has(name), name).toBe(true);
      }
    }
  });

  it('keeps nothing that no later program reads', () => {
    for (const stage of stages) {
      const later = new Set([...outsideReads(stage.backwardInput), ...outsideReads(stage.backwardWeight)]);
      const unread = stage.tensors('saved').filter(({ name }) => !later.has(name));
      expect(unread).toEqual([]);
      const inWeight = outsideReads(stage.backwardWeight);
      expect(stage.tensors('deferred').filter(({ name }) => !inWeight.has(name))).toEqual([]);
    }
  });

  it('counts every tensor of a micro-batch once, as kept from F or from I', () => {
    for (const stage of stages) {
      const counted = [...stage.kept, ...stage.deferred].map(({ name }) => name);
      const training = [stage.forward, stage.backwardInput, stage.backwardWeight].flatMap(({ tensors }) => tensors);
      const owned = training.filter(({ role }) => ['input', 'output', 'saved', 'deferred'].includes(role));
      expect(new Set(counted)).toEqual(new Set(owned.map(({ name }) => name)));
      expect(counted.length).toBe(new Set(counted).size);
      expect(stage.deferred.some(({ role }) => role === 'saved')).toBe(false);
      expect(stage.kept.some(({ role }) => role === 'deferred')).toBe(false);
    }
  });

  it('scratch never crosses programs', () => {
    for (const stage of stages) {
      for (const program of [stage.forward, stage.backwardInput, stage.backwardWeight, stage.evaluate]) {
        for (const name of outsideReads(program)) expect(roleOf(stage, name)).not.toBe('scratch');
      }
      expect(stage.evaluate.tensors.some(({ role }) => role === 'saved')).toBe(false);
    }
  });

  it('W adds to the gradient of every parameter it owns, and all of these are cleared', () => {
    for (const stage of stages) {
      expect(writesOf(stage.clearGradients)).toEqual(gradientsOf(stage.backwardWeight));
    }
    const tied = stagesOf(config, split).flatMap((stage) => [...gradientsOf(stage.backwardWeight)]);
    const total = stagesOf({ ...config, tieEmbeddings: false }, split).flatMap((stage) => stage.parameters);
    expect(tied.length).toBe(total.length);
    expect(tied).toContain(`${embedding}.grad`);
    expect(tied).toContain(`${embedding}.head_grad`);
  });

  it('what a stage sends has the shape its neighbour receives', () => {
    const row = stagesOf(config, split, recompute);
    row.slice(1).forEach((stage, index) => {
      expect(row[index]?.output).toEqual({ ...stage.input, role: 'output' });
      expect(stage.inputGradient).toEqual({ ...row[index]?.outputGradient, role: 'output' });
    });
    expect(row[0]?.tokens).toMatchObject({ shape: [5, 21], dtype: 'u32' });
    expect(row.at(-1)?.targets).toMatchObject({ shape: [105], dtype: 'u32' });
    expect(row.at(-1)?.loss).toMatchObject({ shape: [105], dtype: 'f32' });
  });
});

describe('buildStagePrograms', () => {
  it.each([
    [{ heads: 7 }, {}, 'hidden 60 is not divisible by heads 7'],
    [{ family: 'llama', heads: 4 }, {}, 'the head size is 15'],
    [{ family: 'llama', heads: 6, kvHeads: 4 }, {}, 'heads 6 is not divisible by kvHeads 4'],
    [{ vocab: 0 }, {}, 'vocab is 0'],
    [{}, { layerCount: 5 }, 'a stage of layers 0 to 4'],
    [{}, { layerCount: 0, embedding: false, head: false }, 'a stage without layers'],
    [{}, { firstLayer: 1, layerCount: 1, head: false }, 'the embedding before layer 1'],
    [{}, { layerCount: 3 }, 'the head stage ends before layer 3'],
  ])('refuses %o %o', (config, slice, message) => {
    const build = (): unknown =>
      buildStagePrograms({ ...CONFIG, ...config }, { ...wholeModel(CONFIG), ...slice }, { microBatch: 2 });
    const error = { code: 'MODEL.SHAPE', message: expect.stringContaining(message) };
    expect(build).toThrowError(expect.objectContaining(error));
  });

  it('refuses an empty micro-batch', () => {
    expect(() => buildStagePrograms(CONFIG, wholeModel(CONFIG), { microBatch: 0 })).toThrowError('micro-batch is 0');
  });

  it('gives head stages a program up to the logits', () => {
    const [first, last] = stagesOf(CONFIG, [2, 2]);
    expect(first?.logits).toBeUndefined();
    const logits = last?.logits?.tensors.find(({ name }) => name === 'output.logits_NV');
    expect(logits).toMatchObject({ shape: [105, 97], dtype: 'f32', role: 'output' });
  });
});

describe('recompute', () => {
  const saved = (recompute: Recompute): string[] => {
    const [stage] = stagesOf(CONFIG, [4], recompute);
    return (stage?.kept ?? []).filter(({ role }) => role === 'saved').map(({ name }) => name);
  };

  it('keeps no tensor whose size grows with the square of the context, whatever the setting', () => {
    for (const config of [CONFIG, LLAMA]) {
      for (const recompute of RECOMPUTE_SETTINGS) {
        const sizes = [21, 42].map((context) => {
          const options = { microBatch: 2, recompute };
          const stage = buildStagePrograms({ ...config, context }, wholeModel(config), options);
          const programs = [...stage.tensors(), ...(stage.logits?.tensors ?? [])];
          return new Map(programs.map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]));
        });
        for (const [name, size] of sizes[0]!) expect(sizes[1]!.get(name), name).toBeLessThanOrEqual(2 * size);
      }
    }
  });

  it('selective drops the outputs of norms and activations and nothing else', () => {
    const all = saved('none');
    const derived = all.filter((name) => /^h\.\d\.(ln_[12]_NC|gelu_NF)$/.test(name));
    expect(derived).toHaveLength(3 * 4);
    expect(saved('selective')).toEqual(all.filter((name) => !derived.includes(name)));
  });

  it('full keeps the input of each block and of the head, and one number per row', () => {
    expect(saved('full')).toEqual([0, 1, 2, 3, 4].map((layer) => `residual.${layer}_NC`).concat('head.lse_N'));
  });

  it('runs the very operations of the forward again, on the same sizes', () => {
    const kernels = (program: Program | undefined): string[] =>
      (program?.steps ?? []).map((step) => ('clear' in step ? '' : `${step.kernel} ${JSON.stringify(step.dims)}`));
    // Per block all but the last, and the final norm and the logits of the head; or two norms and the activation.
    const cases = [
      ['full', 'backwardInput', 'backwardWeight', 7 * 4 + 2],
      ['selective', 'backwardWeight', 'backwardInput', 3 * 4],
    ] as const;
    for (const [recompute, longer, same, extra] of cases) {
      const [none] = stagesOf(CONFIG, [4]);
      const [stage] = stagesOf(CONFIG, [4], recompute);
      expect(kernels(stage?.forward)).toEqual(kernels(none?.forward));
      expect(kernels(stage?.[same])).toEqual(kernels(none?.[same]));
      const forward = new Set(kernels(none?.forward));
      expect(kernels(stage?.[longer]).length - kernels(none?.[longer]).length).toBe(extra);
      expect(kernels(stage?.[longer]).filter((kernel) => forward.has(kernel))).toHaveLength(extra);
    }
  });
});

describe('dropout', () => {
  const kernels = (program: Program | undefined): string[] =>
    (program?.steps ?? []).map((step) => ('clear' in step ? 'clear' : step.kernel));
  const sitesOf = (program: Program | undefined): string[] =>
    (program?.steps ?? []).flatMap((step) =>
      'clear' in step || step.tensors['site_2'] === undefined ? [] : tensorOf(step.tensors['site_2']),
    );

  it.each([CONFIG, LLAMA])('of 0 leaves the programs as they are ($family)', (config) => {
    for (const recompute of RECOMPUTE_SETTINGS) {
      const plain = stagesOf(config, [2, 2], recompute);
      const zero = stagesOf({ ...config, dropout: 0 }, [2, 2], recompute);
      const content = (stage: StagePrograms): object => {
        return { ...stage, tensors: stage.tensors(), trainingTensors: stage.trainingTensors() };
      };
      expect(zero.map(content)).toEqual(plain.map(content));
      for (const stage of zero) {
        expect(stage.tensors().filter(({ name }) => name.startsWith('dropout') || name === 'sequences_B5')).toEqual([]);
        expect(stage.sequences).toBeUndefined();
      }
    }
  });

  it.each([CONFIG, LLAMA])(
    'drops at the embedding and before both sums of a block, in F and in W ($family)',
    (config) => {
      const dropped = { ...config, dropout: 0.1 };
      const [first, second, last] = stagesOf(dropped, [1, 3, 0]);
      const inFirst = ['dropout.embedding_2', 'dropout.h.0.attention_2', 'dropout.h.0.feed-forward_2'];
      expect(sitesOf(first?.forward)).toEqual(inFirst);
      expect(sitesOf(first?.backwardWeight).toSorted()).toEqual(inFirst.toSorted());
      // Tokens have no gradient.
      expect(sitesOf(first?.backwardInput)).toEqual(inFirst.slice(1).toReversed());
      expect(sitesOf(second?.forward)).toHaveLength(6);
      expect(new Set(sitesOf(second?.forward)).size).toBe(6);
      expect(last?.sequences).toBeUndefined();
      for (const stage of [first, second]) {
        expect(stage?.sequences).toMatchObject({ shape: [5, 5], dtype: 'u32', role: 'input' });
        expect(stage?.kept).toContain(stage?.sequences);
      }
    },
  );

  it.each([CONFIG, LLAMA])('is no part of evaluation and generation ($family)', (config) => {
    const [plain] = stagesOf(config, [4]);
    const [dropped] = stagesOf({ ...config, dropout: 0.1 }, [4]);
    expect(dropped?.evaluate).toEqual(plain?.evaluate);
    expect(dropped?.logits).toEqual(plain?.logits);
    expect(kernels(dropped?.forward)).toContain('dropout');
  });

  it('keeps nothing more of a micro-batch than what its numbers are drawn for', () => {
    const options = { microBatch: 5 };
    for (const recompute of RECOMPUTE_SETTINGS) {
      const plain = keptBytes(CONFIG, wholeModel(CONFIG), { ...options, recompute });
      const dropped = keptBytes({ ...CONFIG, dropout: 0.1 }, wholeModel(CONFIG), { ...options, recompute });
      expect(dropped.fromForward - plain.fromForward).toBe(4 * 5 * 5);
      expect(dropped.fromInput).toBe(plain.fromInput);
      // The output of a branch, and its gradient.
      expect(dropped.scratch - plain.scratch).toBe(2 * 4 * 105 * 60);
    }
  });

  it('draws for (seed, step, sample), each in words', () => {
    const range = { seed: 2 ** 33 + 1, step: 7, firstSample: 2 ** 32 - 1, count: 2 };
    expect([...sequenceWords(range)]).toEqual([1, 2, 7, 0xffffffff, 0, 1, 2, 7, 0, 1]);
  });
});

describe('buildOptimizerPrograms', () => {
  it('updates every parameter once and takes the sum of tied gradients', () => {
    const programs = buildOptimizerPrograms(CONFIG, wholeModel(CONFIG), { optimizer: ADAMW });
    const parts = programs.packs.flatMap((pack) => pack.parts.map(({ declaration }) => declaration));
    const ofRole = (role: string): string[] => parts.filter((part) => part.role === role).map(({ name }) => name);
    const names = allParameters(CONFIG).map(({ name }) => name);
    expect([...programs.partials.keys()]).toEqual(names);
    expect(ofRole('parameter').toSorted()).toEqual(names.toSorted());
    const gradients = names.map((name) => `${name}.${name.endsWith('wte.weight') ? 'grad_total' : 'grad'}`);
    expect(ofRole('gradient').toSorted()).toEqual(gradients.toSorted());
    expect(programs.tied?.combine.steps).toMatchObject([
      { kernel: 'add', tensors: { a_L: 'transformer.wte.weight.grad', b_L: 'transformer.wte.weight.head_grad' } },
    ]);
  });

  it('both ends of a tied model update alike; the middle has nothing to combine', () => {
    const [first, middle, last] = stageSlices(CONFIG, [1, 2, 1]).map((slice) => {
      return buildOptimizerPrograms(CONFIG, slice, { optimizer: ADAMW });
    });
    expect(first?.tied?.combine).toEqual(last?.tied?.combine);
    expect(middle?.tied).toBeUndefined();
    expect(
      buildOptimizerPrograms({ ...CONFIG, tieEmbeddings: false }, wholeModel(CONFIG), { optimizer: ADAMW }).tied,
    ).toBeUndefined();
  });
});

describe('estimates', () => {
  const untied = { ...CONFIG, tieEmbeddings: false };

  it('count parameters as they are', () => {
    const memory = stageMemoryBytes(untied, wholeModel(untied), { microBatch: 2, inFlight: 1, optimizer: ADAMW });
    // Each begins at 256 bytes or a multiple.
    const { parameters, gradients, optimizer, saved, scratch } = memory;
    const between = parameters - 4 * parameterCount(untied);
    expect(between).toBeGreaterThanOrEqual(0);
    expect(between).toBeLessThan(256 * allParameters(untied).length);
    expect(gradients).toBe(parameters);
    expect(optimizer).toBeGreaterThan(2 * parameters);
    expect(memory.total).toBe(parameters + gradients + optimizer + saved + scratch);
    expect(memory.evaluation + memory.undo).toBe(0);
  });

  it('tell of the sums that a GPU holds where a product is split', () => {
    const load = { microBatch: 2, inFlight: 1, optimizer: ADAMW };
    const whole = wholeModel(CONFIG);
    expect(stageMemoryBytes(CONFIG, whole, load).partialSums).toBe(0);
    const deep = stageMemoryBytes({ ...CONFIG, ffn: 600 }, whole, load);
    expect(deep.partialSums).toBe(6 * 2 ** 20);
    const { parameters, gradients, optimizer, saved, scratch } = deep;
    expect(deep.total).toBe(parameters + gradients + optimizer + saved + scratch);
  });

  it('grow by one set of kept tensors for each micro-batch in flight', () => {
    const whole = wholeModel(CONFIG);
    const memory = (inFlight: number): StageMemoryBytes =>
      stageMemoryBytes(CONFIG, whole, { microBatch: 2, inFlight, optimizer: ADAMW });
    const [one, three] = [memory(1), memory(3)];
    expect(three.saved).toBe(3 * one.saved);
    expect(three.scratch).toBe(one.scratch);
  });

  it('count what recompute spares and what it costs', () => {
    const whole = wholeModel(CONFIG);
    const [none, selective, full] = RECOMPUTE_SETTINGS.map((recompute) => {
      return keptBytes(CONFIG, whole, { microBatch: 2, recompute });
    }) as [KeptBytes, KeptBytes, KeptBytes];
    const [B, T, C, H, F, N] = [2, 21, 60, 3, 100, 42];
    // The outputs of two norms and the activation of each block.
    expect(none.fromForward - selective.fromForward).toBe(4 * 4 * N * (2 * C + F));
    // Five inputs of blocks and head, tokens and targets, loss and log-sum-exp of the rows.
    expect(full.fromForward).toBe(4 * (5 * N * C + 2 * N + 2 * N));
    expect(selective.fromInput).toBe(none.fromInput);
    const broughtBack = 4 * N * (4 * C + F + 4) + N * (C + 2);
    expect(full.fromInput - none.fromInput).toBe(4 * broughtBack);
    // An evaluation has the same scratch as what is computed again, but for one number per row and head.
    expect(selective.scratch - none.scratch).toBe(0);
    expect(full.scratch - none.scratch).toBe(4 * B * H * T);
    const flops = (recompute: Recompute): StageWork => stageFlops(CONFIG, whole, { microBatch: 2, recompute });
    const work = (recompute: Recompute): number => flops(recompute).backwardInput;
    expect(work('selective')).toBe(work('none'));
    const [again, weights] = [flops('selective').backwardWeight, flops('none').backwardWeight];
    expect(again).toBeGreaterThan(weights);
    expect(again).toBeLessThan(1.15 * weights);
    const lastMatrices = 4 * 2 * N * C * F;
    const { forward } = stageFlops(CONFIG, whole, { microBatch: 2 });
    expect(work('full') - work('none')).toBeGreaterThan(forward - 1.1 * lastMatrices);
    expect(work('full') - work('none')).toBeLessThan(forward - lastMatrices);
  });

  it('count losses, deferred tensors and the evaluation by what the executor allocates', () => {
    const whole = wholeModel(CONFIG);
    const load = { microBatch: 2, inFlight: 3, optimizer: ADAMW };
    const base = stageMemoryBytes(CONFIG, whole, load).total;
    const once = stageMemoryBytes(CONFIG, whole, { ...load, inBackward: 1 }).total;
    expect(base - once).toBe(2 * keptBytes(CONFIG, whole, { microBatch: 2 }).fromInput);
    expect(stageMemoryBytes(CONFIG, whole, { ...load, microBatches: 5 }).total - base).toBe(2 * 4 * 42);
    // Nothing is kept of an evaluation, so that it has scratch where training has saved tensors.
    const stage = buildStagePrograms(CONFIG, whole, load);
    const trained = new Set(stage.trainingTensors('scratch').map(({ name }) => name));
    const scratch = stage.evaluate.tensors.filter(({ name, role }) => role === 'scratch' && !trained.has(name));
    const bytes = scratch.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 4), 0);
    expect(bytes).toBeGreaterThan(0);
    expect(stageMemoryBytes(CONFIG, whole, { ...load, evaluation: true }).total - base).toBe(4 * 42 * (2 + 8) + bytes);
  });

  it('put about a third of the work of matrices into each of F, I and W', () => {
    const wide = { ...untied, hidden: 384, ffn: 1536, heads: 6 };
    const { forward, backwardInput, backwardWeight } = stageFlops(wide, wholeModel(wide), { microBatch: 4 });
    expect(backwardInput / forward).toBeGreaterThan(0.9);
    expect(backwardInput / forward).toBeLessThan(1.2);
    expect(backwardWeight / forward).toBeGreaterThan(0.85);
    expect(backwardWeight / forward).toBeLessThan(1.1);
  });
});
