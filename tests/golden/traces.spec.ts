import { type Backend, type HostArray, openCpuBackend } from '@millrace/runtime';
import { type InProcessResult, type InProcessStage, openTestBackend } from '@millrace/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isKeyBias, relativeDifference } from './gpt2-oracle';
import { differenceFromTrace, readTrace, type SampledTensor, type Trace, TRACED_FAMILIES, trainTrace } from './traces';

/** Each boundary between stages is a residual stream of the trace: embedding, four blocks and head are alone. */
const EVERY_BOUNDARY = [0, 1, 1, 1, 1, 0];

interface Inside {
  readonly hidden: ReadonlyMap<string, HostArray>;
  readonly lossRows: HostArray;
}

async function lookInside(stages: readonly InProcessStage[]): Promise<Inside> {
  const hidden = new Map<string, HostArray>();
  for (const [index, stage] of stages.slice(0, -1).entries())
    hidden.set(`hidden.${index}`, await stage.read(stage.programs.output?.name ?? ''));
  const head = stages.at(-1) as InProcessStage;
  const norm = head.programs.tensors().find(({ name, role }) => role === 'saved' && /^head\b.*_NC$/.test(name));
  hidden.set('hidden.final_norm', await head.read(norm?.name ?? ''));
  return { hidden, lossRows: await head.read('loss_N') };
}

/** The largest differences over all tensors: of an entry as a part of its tensor's largest, and of a norm. */
function worst(actual: ReadonlyMap<string, HostArray>, expected: Readonly<Record<string, SampledTensor>>): number {
  const found = Object.entries(expected).map(([name, tensor]) => differenceFromTrace(actual.get(name), tensor));
  return Math.max(...found.flatMap(({ relative, l2 }) => [relative, l2]));
}

function worstWeight({ settings, finalWeights }: Trace, { weights }: InProcessResult): number {
  return Math.max(...Object.entries(finalWeights).map(([name, tensor]) => {
    const skip = (index: number): boolean => isKeyBias(settings.model, name, index);
    return differenceFromTrace(weights.get(name), tensor, skip).absolute;
  }));
}

async function firstStep(backend: Backend, family: (typeof TRACED_FAMILIES)[number]): Promise<number[]> {
  const trace = readTrace(family);
  let inside: Inside | undefined;
  const result = await trainTrace(backend, family, {
    stages: EVERY_BOUNDARY,
    steps: 1,
    afterFirstForward: async (stages) => {
      inside = await lookInside(stages);
    },
  });
  return [
    relativeDifference(result.losses, trace.losses.slice(0, 1)),
    relativeDifference(result.gradientNorms, trace.gradientNorms.slice(0, 1)),
    relativeDifference([...(inside?.lossRows ?? [])], trace.firstLossRows),
    worst(inside?.hidden ?? new Map(), trace.hidden),
    worst(result.firstGradients, trace.firstGradients),
  ];
}

describe.each(TRACED_FAMILIES)('%s beside PyTorch in float64', (family) => {
  let opened: Backend | undefined;
  let backend: Backend;
  beforeAll(async () => {
    opened = await openTestBackend(process.env);
  });
  afterAll(() => opened?.destroy());

  it('twins: loss, norm and losses by position within 1e-12, hidden states and gradients to the f32 of the file', async () => {
    const [loss, norm, rows, hidden, gradients] = await firstStep(openCpuBackend(), family);
    expect(loss).toBeLessThan(1e-12);
    expect(norm).toBeLessThan(1e-12);
    expect(rows).toBeLessThan(1e-12);
    expect(hidden).toBeLessThan(1e-7);
    expect(gradients).toBeLessThan(1e-7);
  }, 120_000);

  describe('WebGPU', () => {
    beforeEach((context) => {
      context.skip(opened === undefined, 'no adapter');
      backend = opened as Backend;
    });

    it('every hidden state and first gradient is within 1e-4 of its largest entry', async () => {
      const figures = await firstStep(backend, family);
      console.log(`${family}, first step: ${figures.map((each) => each.toExponential(1)).join(', ')}`);
      const [loss, norm, rows, hidden, gradients] = figures;
      expect(loss).toBeLessThan(5e-6);
      expect(norm).toBeLessThan(5e-5);
      expect(rows).toBeLessThan(1e-5);
      expect(hidden).toBeLessThan(1e-4);
      expect(gradients).toBeLessThan(1e-4);
    }, 120_000);

    it.each([1, 2, 4])('20 steps on %i stages', { timeout: 120_000 }, async (stages) => {
      const trace = readTrace(family);
      const result = await trainTrace(backend, family, { stages, steps: trace.settings.steps });
      const loss = relativeDifference(result.losses, trace.losses);
      const norm = relativeDifference(result.gradientNorms, trace.gradientNorms);
      const weight = worstWeight(trace, result);
      const figures = [loss, norm, weight].map((each) => each.toExponential(1));
      console.log(`${family} on ${stages} stages: ${figures.join(', ')}`);
      expect(loss).toBeLessThan(5e-6);
      expect(norm).toBeLessThan(5e-5);
      expect(weight).toBeLessThan(2e-4);
    });
  });
});
