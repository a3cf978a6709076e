import type { KernelChoice, Program, TensorDeclaration } from '@millrace/kernels';
import { bindingShape, KERNELS } from '@millrace/kernels';
import { type MeasuredChoice, tuneBackend } from '@millrace/runtime';
import { productKernel } from '../gpu-cases';
import type { GpuCases } from '../gpu-cases';
import type { GpuRow } from '../gpu-row';
import type { SectionContext } from '../gpu-section';
import { stepPrograms } from '../measure/step-programs';

/** Lets the tuner choose for the steps and products that are measured after it, which then run what it chose. */
export async function measureTuning({ device, cases, clock, untilMs, emit }: SectionContext): Promise<void> {
  const programs = [...cases.steps.flatMap(stepPrograms), ...productPrograms(cases)];
  const boundMs = untilMs - clock.monotonicMs();
  const backend = await device.backend();
  const chosen = await tuneBackend(backend, () => programs, { boundMs, stopped: () => false, clock });
  for (const row of tuningRows(chosen, backend.adapter.adapterClass)) emit(row);
}

/** A row for each choice, and one for all of them: what they take of the time of what would run without a tuner. */
export function tuningRows(chosen: readonly MeasuredChoice[], adapterClass: 'cpu' | 'gpu'): GpuRow[] {
  const rows = chosen.map(({ kernel, bucket, form, ms, usualMs }): GpuRow => {
    const name = `tuned ${kernel} ${bucket}`;
    return { name, unit: 'of the usual time', ours: ms / usualMs, detail: { kernel, bucket, form, ms, usualMs } };
  });
  const all = { name: 'all that was tuned', unit: 'of the usual time' } as const;
  if (chosen.length === 0) {
    const message =
      adapterClass === 'cpu'
        ? 'software drivers have one form of each kernel, and are not tuned'
        : 'no case was got through: there was no memory or no time';
    return [{ ...all, ours: null, problem: { code: 'BENCH.NOT_TUNED', message } }];
  }
  const sum = (key: 'ms' | 'usualMs'): number => chosen.reduce((total, choice) => total + choice[key], 0);
  return [...rows, { ...all, ours: sum('ms') / sum('usualMs'), detail: { cases: chosen.length } }];
}

/** What the rows of the section chose, for the devices of the others. */
export function choicesOf(rows: readonly GpuRow[]): KernelChoice[] {
  return rows.flatMap(({ detail }) => {
    const { kernel, bucket, form } = detail ?? {};
    const isChoice = typeof kernel === 'string' && typeof bucket === 'string' && typeof form === 'string';
    return isChoice ? [{ kernel, bucket, form }] : [];
  });
}

/** Each product by itself. */
export function productPrograms({ products }: GpuCases): Program[] {
  return products.map((product) => {
    const { kernel, dims } = productKernel(product);
    const tensors = KERNELS[kernel].bindings.map(({ name, dtype }): TensorDeclaration => {
      return { name, dtype, shape: bindingShape(name, dims), role: 'scratch' };
    });
    const bound = Object.fromEntries(tensors.map(({ name }) => [name, name]));
    return { name: product.name, tensors, steps: [{ kernel, dims, tensors: bound }] };
  });
}
