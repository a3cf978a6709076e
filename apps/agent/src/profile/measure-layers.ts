import type { LayerTimes, LayerWork } from '@millrace/contracts';
import type { Clock, StageSlice } from '@millrace/core';
import type { TensorDeclaration } from '@millrace/kernels';
import { buildStagePrograms } from '@millrace/model';
import type { Backend, BoundProgram, DeviceTensor } from '@millrace/runtime';

/** How long the samples of one of the nine programs may take together; there are at most SAMPLES_MAX. */
const PROGRAM_BUDGET_MS = 300;
const SAMPLES_MAX = 5;
/** A sample repeats a short program for so long that the wait for the device does not matter. */
const SAMPLE_MS = 40;
const RUNS_PER_SAMPLE_MAX = 64;
const MS_PER_SECOND = 1000;

/** Layers of the measured model: each of its three stages holds nothing but the part that is measured. */
const LAYERS = 3;
const SLICES: Readonly<Record<keyof LayerTimes, StageSlice>> = {
  embedding: { firstLayer: 0, layerCount: 0, embedding: true, head: false },
  block: { firstLayer: 1, layerCount: 1, embedding: false, head: false },
  head: { firstLayer: LAYERS, layerCount: 0, embedding: false, head: true },
};

/**
 * Measures the seconds of F, I and W of the model's parts with the programs that a stage runs, on tensors of zeros, and
 * takes the median of a few samples. It takes about three seconds where programs are short; a program that takes long
 * is run twice.
 */
export async function measureLayers(work: LayerWork, backend: Backend, clock: Clock): Promise<LayerTimes> {
  const measure = (part: keyof LayerTimes): Promise<LayerTimes['block']> =>
    measurePart({ work, slice: SLICES[part], backend, clock });
  return { embedding: await measure('embedding'), block: await measure('block'), head: await measure('head') };
}

interface MeasuredPart {
  readonly work: LayerWork;
  readonly slice: StageSlice;
  readonly backend: Backend;
  readonly clock: Clock;
}

async function measurePart({ work, slice, backend, clock }: MeasuredPart): Promise<LayerTimes['block']> {
  const { forward, backwardInput, backwardWeight } = buildStagePrograms({ ...work.model, layers: LAYERS }, slice, work);
  const tensors = allocate(backend, [forward, backwardInput, backwardWeight]);
  try {
    const [f, i, w] = [
      await backend.bind(forward, tensors),
      await backend.bind(backwardInput, tensors),
      await backend.bind(backwardWeight, tensors),
    ];
    // Drivers compile at the first dispatch, which must not be measured.
    for (const program of [f, i, w]) backend.run(program);
    await backend.finish(0);
    const seconds = (program: BoundProgram): Promise<number> => medianSeconds(program, backend, clock);
    return { F: await seconds(f), I: await seconds(i), W: await seconds(w) };
  } finally {
    for (const tensor of tensors.values()) backend.release(tensor);
  }
}

/** Makes one tensor of each name, so that a program finds what the one before has left. */
function allocate(
  backend: Backend,
  programs: readonly { readonly tensors: readonly TensorDeclaration[] }[],
): Map<string, DeviceTensor> {
  const declarations = new Map(programs.flatMap(({ tensors }) => tensors.map((each) => [each.name, each] as const)));
  return new Map([...declarations].map(([name, declaration]) => [name, backend.allocate(declaration)]));
}

async function medianSeconds(program: BoundProgram, backend: Backend, clock: Clock): Promise<number> {
  const startMs = clock.monotonicMs();
  const samples = [await sampleMs(program, { count: 1, expectedMs: 0, backend, clock })];
  const [firstMs] = samples as [number];
  if (firstMs < PROGRAM_BUDGET_MS) {
    // The first sample only tells how many runs the others need.
    samples.pop();
    const count = Math.min(RUNS_PER_SAMPLE_MAX, Math.max(1, Math.ceil(SAMPLE_MS / Math.max(firstMs, 1e-3))));
    do {
      // The shortest: what somebody else held up must not make the next sample sleep as long.
      const expectedMs = samples.length === 0 ? 0 : Math.min(...samples) * count;
      samples.push(await sampleMs(program, { count, expectedMs, backend, clock }));
    } while (samples.length < SAMPLES_MAX && clock.monotonicMs() - startMs < PROGRAM_BUDGET_MS);
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)]! / MS_PER_SECOND;
}

interface SampleOptions {
  readonly count: number;
  /** How long all runs of the sample are expected to take together. */
  readonly expectedMs: number;
  readonly backend: Backend;
  readonly clock: Clock;
}

/** Milliseconds that one run takes, measured over `count` runs. */
async function sampleMs(program: BoundProgram, { count, expectedMs, backend, clock }: SampleOptions): Promise<number> {
  const startMs = clock.monotonicMs();
  for (let run = 0; run < count; run++) {
    backend.run(program);
    // The steps of a run submit their actions in the same way.
    backend.flush();
    await backend.throttle();
  }
  // A part of that time may have passed already, where the device was given no more before it was done with some.
  await backend.finish(Math.max(0, expectedMs - (clock.monotonicMs() - startMs)));
  return (clock.monotonicMs() - startMs) / count;
}
