import { KERNELS, type Operation, PARTIAL_SUMS, type Program, type TensorDeclaration } from '@millrace/kernels';
import { suitProgram, type WebGpuBackend } from '@millrace/runtime';
import { elementCount, tensorOf, viewOf } from '@millrace/tensor';
import { bindKernel } from '../measure/bound-kernel';
import { stepPrograms } from '../measure/step-programs';
import type { StepCase } from '../gpu-cases';
import type { GpuRow } from '../gpu-row';
import type { SectionContext } from '../gpu-section';
import { ARITHMETIC, COPY } from './ceilings';

const PER_MS = 1e6;

interface CountedKernel {
  readonly operation: Operation;
  readonly declarations: ReadonlyMap<string, Pick<TensorDeclaration, 'shape' | 'content'>>;
  /** How often a step runs it. */
  count: number;
}

/**
 * Each kernel of a step by itself, at the step's sizes, with the ceiling that it is nearer to: operations per second,
 * or bytes if it would take longer to move them. The rows say how often a step runs it.
 */
export async function measureKernels({ device, ceilings, cases, time, emit }: SectionContext): Promise<void> {
  for (const step of cases.steps) {
    const measured: GpuRow[] = [];
    for (const { operation, declarations, count } of kernelsOf(step, await device.backend())) {
      const { kernel, dims } = operation;
      const [flops, bytes] = [KERNELS[kernel].flops(dims), KERNELS[kernel].bytes(dims)];
      const [arithmetic, copy] = [ceilings.get(ARITHMETIC) ?? Infinity, ceilings.get(COPY) ?? Infinity];
      const isArithmetic = flops / arithmetic > bytes / copy;
      const sizes = Object.entries(dims).map(([name, value]) => `${name}=${value}`);
      const name = `${step.name}: ${kernel} ${sizes.join(' ')}`;
      const row = await device.measure({ name, unit: isArithmetic ? 'GFLOP/s' : 'GB/s' }, async (backend) => {
        const { bound, release } = await bindKernel(backend, { kernel, dims, declarations });
        const { ms } = await time(backend, () => backend.run(bound));
        release();
        const { used } = backend.shaders(kernel, dims);
        const detail = { ms, count, shader: used, idealMs: Math.max(flops / arithmetic, bytes / copy) / PER_MS };
        return { ours: (isArithmetic ? flops : bytes) / ms / PER_MS, detail };
      });
      measured.push(row);
    }
    emit(together(step.name, measured));
  }
}

/** What the kernels of a step take, one after the other, and what they would take at the ceilings. */
function together(name: string, rows: readonly GpuRow[]): GpuRow {
  const known = rows.flatMap(({ detail }) => (detail === undefined ? [] : [detail]));
  const sum = (key: string): number =>
    known.reduce((total, detail) => total + Number(detail[key]) * Number(detail['count']), 0);
  const detail = { idealMs: sum('idealMs'), kernels: known.length, missing: rows.length - known.length };
  return { name: `${name}: all kernels`, unit: 'ms', ours: sum('ms'), detail };
}

/** The different operations of a step as the backend launches them: products fused, split and cut to fit. */
function kernelsOf(step: StepCase, backend: WebGpuBackend): CountedKernel[] {
  const found = new Map<string, CountedKernel>();
  for (const program of stepPrograms(step)) {
    const suited = launched(program, backend);
    for (const operation of suited.steps) {
      if (!('kernel' in operation)) continue;
      const declarations = shapesOf(operation, suited);
      const key = JSON.stringify([
        operation.kernel,
        operation.dims,
        [...declarations.values()].map(({ shape }) => elementCount(shape)),
      ]);
      const known = found.get(key);
      if (known === undefined) found.set(key, { operation, declarations, count: 1 });
      else known.count++;
    }
  }
  return [...found.values()];
}

function launched(program: Program, { target, adapter }: WebGpuBackend): Program {
  return suitProgram(program, target, adapter.limits['maxStorageBufferBindingSize']!);
}

/** What each binding needs, as a tensor by itself; a constant has its content where all of it is bound. */
function shapesOf({ kernel, tensors }: Operation, program: Program): CountedKernel['declarations'] {
  const known = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  return new Map(
    KERNELS[kernel].bindings.map(({ name }) => {
      const ref = tensors[name]!;
      const { shape, content } = known.get(tensorOf(ref))!;
      const { length } = viewOf(ref, shape);
      const isWhole = tensorOf(ref) !== PARTIAL_SUMS && length === elementCount(shape);
      if (isWhole) return [name, { shape, ...(content === undefined ? {} : { content }) }];
      return [name, { shape: [length] }];
    }),
  );
}
