import { type Dims, KERNELS, type KernelVariant, WGSL } from '@millrace/kernels';
import type { ConformanceCase } from '../../../../libs/kernels/test/cases/conformance-case';
import { CONFORMANCE_CASES } from '../../../../libs/kernels/test/conformance-cases';
import {
  aboveDiagonal,
  compare,
  hostTensors,
  limitOf,
  twinTensors,
  variantsOf,
} from '../../../../libs/kernels/test/conformance-check';
import { formatDims, openTestDevice, type TestDevice } from '../../../../libs/kernels/test/webgpu-device';
import { BenchError } from '../bench-error';
import { type GpuProblem, problemOf } from '../gpu-row';
import type { SectionContext } from '../gpu-section';

/** The shape of several tiles cut by the edges, with every flag on, comes first: it runs every shader of a kernel. */
const FIRST_SHAPE = 1;

interface Worst {
  readonly part: number;
  readonly where: string;
  readonly runs: number;
  readonly problem?: GpuProblem;
}

/**
 * Holds every shader that this adapter can run to its twin in double precision: a row for each, with its largest error
 * as a part of what the case allows.
 */
export async function checkConformance({ cases, clock, untilMs, emit }: SectionContext): Promise<void> {
  const runs = inOrder(CONFORMANCE_CASES.filter(({ kernel }) => cases.conformance?.includes(kernel) ?? true));
  const worst = new Map<string, Worst>();
  let device = await openDevice();
  let done = 0;
  for (const run of runs) {
    if (clock.monotonicMs() >= untilMs) break;
    for (const [shader, found] of await checkCase(run, device)) {
      const known = worst.get(shader);
      const kept = known === undefined || (known.problem === undefined && found.part > known.part) ? found : known;
      worst.set(shader, { ...kept, runs: (known?.runs ?? 0) + found.runs });
      if (found.problem?.code !== 'BENCH.FAILED') continue;
      // What follows would fail too, if the device is lost.
      device.close();
      device = await openDevice();
    }
    done++;
  }
  device.close();
  for (const [shader, { part, where, runs: count, problem }] of worst) {
    const row = { name: `shader ${shader}`, unit: 'of the bound', detail: { where, runs: count } } as const;
    emit(problem === undefined ? { ...row, ours: part } : { ...row, ours: null, problem });
  }
  const told = { casesRun: done, cases: runs.length, shadersRun: worst.size, shaders: Object.keys(WGSL).length };
  const wrong = [...worst.values()].filter(({ problem }) => problem !== undefined).length;
  const row = { name: 'the worst of all shaders', unit: 'of the bound', detail: { ...told, wrong } } as const;
  if (wrong === 0) emit({ ...row, ours: Math.max(...[...worst.values()].map(({ part }) => part)) });
  else emit({ ...row, ours: null, problem: { code: 'BENCH.WRONG_RESULT', message: `${wrong} shaders are wrong` } });
}

interface CaseRun {
  readonly testCase: ConformanceCase;
  readonly dims: Dims;
}

/** Every kernel by one shape before any by its next, so that what time leaves out are shapes. */
function inOrder(cases: readonly ConformanceCase[]): CaseRun[] {
  const rounds = Math.max(...cases.map(({ dims }) => dims.length));
  const order = (dims: readonly Dims[]): Dims[] => {
    const first = Math.min(FIRST_SHAPE, dims.length - 1);
    return [dims[first]!, ...dims.filter((_, index) => index !== first)];
  };
  return Array.from({ length: rounds }, (_, round) =>
    cases.flatMap((testCase) =>
      order(testCase.dims)
        .slice(round, round + 1)
        .map((dims) => ({ testCase, dims })),
    ),
  ).flat();
}

async function openDevice(): Promise<TestDevice> {
  const device = await openTestDevice();
  if (device === undefined) throw new BenchError('BENCH.NO_ADAPTER', 'the adapter is gone');
  return device;
}

/** What some adapter would choose for the shape, and what a tuner might choose on this one. */
function variants({ kernel: name }: ConformanceCase, dims: Dims, { target }: TestDevice): KernelVariant[] {
  const kernel = KERNELS[name];
  const isGpu = target.adapterClass === 'gpu';
  const chosen = variantsOf(kernel, dims, { target, gpuVariants: isGpu });
  const all = [...chosen, ...(kernel.variants?.(dims, target) ?? [])];
  const launch = ({ wgsl, overrides, workgroups }: KernelVariant): string =>
    JSON.stringify([wgsl, overrides, workgroups]);
  return [...new Map(all.map((variant) => [launch(variant), variant])).values()];
}

/** Each shader of the case, with its largest error. */
async function checkCase({ testCase, dims }: CaseRun, device: TestDevice): Promise<Map<string, Worst>> {
  const kernel = KERNELS[testCase.kernel];
  const where = formatDims(dims);
  const tensors = hostTensors(testCase, dims);
  const expected = twinTensors(kernel, dims, tensors);
  const found = new Map<string, Worst>();
  for (const variant of variants(testCase, dims, device)) {
    const { wgsl } = variant;
    const known = found.get(wgsl) ?? { part: 0, where, runs: 0 };
    if (known.problem !== undefined) continue;
    try {
      let { part } = known;
      for (const [name, values] of Object.entries(await device.run(kernel, variant, { tensors }))) {
        const skip = aboveDiagonal(testCase, name, dims);
        const { relative } = compare(values, expected[name]!, { skip, scaleMin: testCase.scaleMin });
        part = Math.max(part, relative === 0 ? 0 : relative / limitOf(testCase, name, dims));
      }
      const message = `it is ${part.toPrecision(3)} times its bound off its twin with ${where}`;
      const problem = part <= 1 ? {} : { problem: { code: 'BENCH.WRONG_RESULT', message } };
      found.set(wgsl, { part, where, runs: known.runs + 1, ...problem });
    } catch (error) {
      found.set(wgsl, { part: Infinity, where, runs: known.runs + 1, problem: problemOf(error) });
    }
  }
  return found;
}
