import { KERNELS, type Program, type ProgramStep } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { stageFlops, type StageMemory, stageMemoryBytes } from './estimates';
import { type ModelConfig, stageSlices, wholeModel } from './model-config';
import { buildOptimizerPrograms } from './training/optimizer-programs';
import { parameterCount } from './parameters';
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
const SPLITS = [[4], [2, 2], [2, 1, 1], [1, 1, 1, 1], [0, 4, 0], [4, 0]];

/** Names a step reads before it writes them, and names it writes. */
function access(step: ProgramStep): { reads: string[]; writes: string[] } {
  if ('clear' in step) return { reads: [], writes: [step.clear] };
  const { bindings } = KERNELS[step.kernel];
  const named = (wanted: string): string[] =>
    bindings.filter((binding) => binding.access === wanted).map(({ name }) => step.tensors[name] as string);
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

function roleOf(stage: StagePrograms, name: string): string | undefined {
  return stage.tensors().find((tensor) => tensor.name === name)?.role;
}

function stagesOf(config: ModelConfig, layersPerStage: readonly number[]): StagePrograms[] {
  return stageSlices(config, layersPerStage).map((slice) => buildStagePrograms(config, slice, 5));
}

describe.each(SPLITS)('stages of %s %s %s %s layers', (...layersPerStage) => {
  const split = layersPerStage.filter((count) => count !== undefined);
  const stages = [true, false].flatMap((tieEmbeddings) => stagesOf({ ...CONFIG, tieEmbeddings }, split));

  it('F reads only parameters and inputs', () => {
    for (const stage of stages) {
      for (const program of [stage.forward, stage.evaluate]) {
        for (const name of outsideReads(program)) expect(['parameter', 'input']).toContain(roleOf(stage, name));
      }
    }
  });

  it('I reads parameters, inputs, scalars and what F saved; W also what I deferred', () => {
    for (const stage of stages) {
      const saved = writesOf(stage.forward);
      const deferred = writesOf(stage.backwardInput);
      for (const name of outsideReads(stage.backwardInput)) {
        const given = ['parameter', 'input', 'scalar'].includes(roleOf(stage, name) as string);
        expect(given || saved.has(name), name).toBe(true);
      }
      for (const name of outsideReads(stage.backwardWeight)) {
        expect(roleOf(stage, name) === 'input' || saved.has(name) || deferred.has(name), name).toBe(true);
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
      expect(writesOf(stage.clearGradients)).toEqual(writesOf(stage.backwardWeight));
    }
    const tied = stagesOf(CONFIG, split).flatMap((stage) => [...writesOf(stage.backwardWeight)]);
    const total = stagesOf({ ...CONFIG, tieEmbeddings: false }, split).flatMap((stage) => stage.parameters);
    expect(tied.length).toBe(total.length);
    expect(tied).toContain('transformer.wte.weight.grad');
    expect(tied).toContain('transformer.wte.weight.head_grad');
  });

  it('what a stage sends has the shape its neighbour receives', () => {
    const row = stagesOf(CONFIG, split);
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
    [{ vocab: 0 }, {}, 'vocab is 0'],
    [{}, { layerCount: 5 }, 'a stage of layers 0 to 4'],
    [{}, { layerCount: 0, embedding: false, head: false }, 'a stage without layers'],
    [{}, { firstLayer: 1, layerCount: 1, head: false }, 'the embedding before layer 1'],
    [{}, { layerCount: 3 }, 'the head stage ends before layer 3'],
  ])('refuses %o %o', (config, slice, message) => {
    const build = (): unknown => buildStagePrograms({ ...CONFIG, ...config }, { ...wholeModel(CONFIG), ...slice }, 2);
    const error = { code: 'MODEL.SHAPE', message: expect.stringContaining(message) };
    expect(build).toThrowError(expect.objectContaining(error));
  });

  it('refuses an empty micro-batch', () => {
    expect(() => buildStagePrograms(CONFIG, wholeModel(CONFIG), 0)).toThrowError('micro-batch is 0');
  });

  it('gives head stages a program up to the logits', () => {
    const [first, last] = stagesOf(CONFIG, [2, 2]);
    expect(first?.logits).toBeUndefined();
    const logits = last?.logits?.tensors.find(({ name }) => name === 'output.logits_NV');
    expect(logits).toMatchObject({ shape: [105, 97], dtype: 'f32', role: 'output' });
  });
});

describe('buildOptimizerPrograms', () => {
  it('updates every parameter once and takes the sum of tied gradients', () => {
    const programs = buildOptimizerPrograms(CONFIG, wholeModel(CONFIG));
    const updated = programs.update.steps.map((step) => ('clear' in step ? '' : step.tensors['weight_L']));
    expect(updated).toEqual([...programs.partials.keys()]);
    const [first] = programs.update.steps;
    expect(first).toMatchObject({ dims: { decay: 1 }, tensors: { gradient_L: 'transformer.wte.weight.grad_total' } });
    expect(programs.tied?.combine.steps).toMatchObject([
      { kernel: 'add', tensors: { a_L: 'transformer.wte.weight.grad', b_L: 'transformer.wte.weight.head_grad' } },
    ]);
  });

  it('both ends of a tied model update alike; the middle has nothing to combine', () => {
    const [first, middle, last] = stageSlices(CONFIG, [1, 2, 1]).map((slice) => buildOptimizerPrograms(CONFIG, slice));
    expect(first?.tied?.combine).toEqual(last?.tied?.combine);
    expect(middle?.tied).toBeUndefined();
    expect(buildOptimizerPrograms({ ...CONFIG, tieEmbeddings: false }, wholeModel(CONFIG)).tied).toBeUndefined();
  });
});

describe('estimates', () => {
  const untied = { ...CONFIG, tieEmbeddings: false };

  it('count parameters as they are', () => {
    const memory = stageMemoryBytes(untied, wholeModel(untied), { microBatch: 2, inFlight: 1 });
    expect(memory.parameters).toBe(4 * parameterCount(untied));
    expect(memory.optimizer).toBeGreaterThan(3 * memory.parameters);
    expect(memory.total).toBe(memory.parameters + memory.optimizer + memory.saved + memory.scratch);
  });

  it('grow by one set of kept tensors for each micro-batch in flight', () => {
    const whole = wholeModel(CONFIG);
    const memory = (inFlight: number): StageMemory => stageMemoryBytes(CONFIG, whole, { microBatch: 2, inFlight });
    const [one, three] = [memory(1), memory(3)];
    expect(three.saved).toBe(3 * one.saved);
    expect(three.scratch).toBe(one.scratch);
  });

  it('put about a third of the work of matrices into each of F, I and W', () => {
    const wide = { ...untied, hidden: 384, ffn: 1536, heads: 6 };
    const { forward, backwardInput, backwardWeight } = stageFlops(wide, wholeModel(wide), 4);
    expect(backwardInput / forward).toBeGreaterThan(0.9);
    expect(backwardInput / forward).toBeLessThan(1.2);
    expect(backwardWeight / forward).toBeGreaterThan(0.85);
    expect(backwardWeight / forward).toBeLessThan(1.1);
  });
});
