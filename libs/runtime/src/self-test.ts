import type { Precision } from '@millrace/core';
import {
  bindingShape,
  type Dims,
  HALF_FORMS,
  type HalfKernelName,
  type Kernel,
  KERNELS,
  type KernelName,
  type Program,
  type TensorDeclaration,
  withDerivedInputs,
} from '@millrace/kernels';
import { elementCount, fromFloat16Bits } from '@millrace/tensor';
import type { AdapterDescription } from './adapter-description';
import type { Backend, DeviceTensor } from './backend';
import { openCpuBackend } from './cpu/cpu-backend';
import type { HostArray } from './host-array';
import { kernelWrongError } from './runtime.errors';
import { SELF_TEST_DIMS } from './self-test-dims';
import type { WebGpuBackend } from './webgpu/webgpu-backend';

export interface SelfTestResult {
  readonly kernel: KernelName;
  readonly shader: string;
  readonly dims: Dims;
  readonly maxAbsDifference: number;
  readonly ok: boolean;
}

/** The part of a WebGPU backend that is tested. */
export type SelfTestedBackend = Backend & Pick<WebGpuBackend, 'adapter' | 'shaders' | 'quarantine'>;

/** By this part of the largest entry, two orders of summation in f32 may differ at these sizes. */
const TOLERANCE = 1e-5;
/** A number that is stored as f16 may be rounded up in one and down in the other. */
const HALF_TOLERANCE = TOLERANCE + 2 ** -10;

/**
 * Attention's [B,H,T,T] tensors are 0 above the diagonal where they are read, and unspecified where they are written.
 */
function isAboveDiagonal({ name, shape }: TensorDeclaration, index: number): boolean {
  const T = shape.at(-1) ?? 1;
  return name.endsWith('_BHTT') && index % T > Math.floor(index / T) % T;
}

/** Deterministic values in (-1, 1), or ids below `vocab` for u32 tensors. */
function testValues(declaration: TensorDeclaration, salt: number, vocab: number): HostArray {
  const { shape, dtype } = declaration;
  const values = new (dtype === 'u32' ? Uint32Array : Float32Array)(elementCount(shape));
  for (let index = 0; index < values.length; index++) {
    const noise = Math.imul(index + 1 + salt * 7919, 0x9e3779b1) >>> 0;
    const value = dtype === 'u32' ? noise % vocab : noise / 2 ** 31 - 1;
    values[index] = isAboveDiagonal(declaration, index) ? 0 : value;
  }
  return values;
}

function singleProgram(kernel: Kernel, name: KernelName, dims: Dims): Program {
  const tensors = kernel.bindings.map((binding): TensorDeclaration => {
    return { name: binding.name, shape: bindingShape(binding.name, dims), dtype: binding.dtype, role: 'scratch' };
  });
  const bound = Object.fromEntries(kernel.bindings.map((binding) => [binding.name, binding.name]));
  return { name: `self-test-${name}`, tensors, steps: [{ kernel: name, dims, tensors: bound }] };
}

interface SelfTestCase {
  readonly name: KernelName;
  readonly dims: Dims;
}

/** What the kernel writes: on a device with the variant that would be used, on the twins in double precision. */
async function outputs(backend: Backend, { name, dims }: SelfTestCase): Promise<HostArray[]> {
  const kernel = KERNELS[name];
  const program = singleProgram(kernel, name, dims);
  const tensors = new Map(program.tensors.map((tensor) => [tensor.name, backend.allocate(tensor)]));
  const made = program.tensors.map(
    (tensor, index) => [tensor.name, testValues(tensor, index, dims['V'] ?? 1)] as const,
  );
  for (const [name, content] of Object.entries(withDerivedInputs(kernel, Object.fromEntries(made)))) {
    backend.write(tensors.get(name) as DeviceTensor, content);
  }
  backend.run(await backend.bind(program, tensors));
  const written = kernel.bindings.filter(({ access }) => access === 'read_write');
  const outputTensors = written.map((binding) => tensors.get(binding.name) as DeviceTensor);
  const arrays = await backend.readAll(outputTensors);
  const values = arrays.map((array, tensor) => {
    const { declaration } = outputTensors[tensor]!;
    const numbers = array instanceof Uint16Array ? Float64Array.from(array, fromFloat16Bits) : array;
    return numbers.map((value, index) => (isAboveDiagonal(declaration, index) ? 0 : value));
  });
  for (const tensor of tensors.values()) backend.release(tensor);
  return values;
}

interface Comparison {
  readonly maxAbsDifference: number;
  readonly ok: boolean;
}

/** The largest difference, and whether it is within tolerance; a value that is not finite never is. */
function compare(actual: readonly HostArray[], expected: readonly HostArray[], tolerance: number): Comparison {
  let maxAbsDifference = 0;
  let largest = 1;
  for (const [tensor, values] of expected.entries()) {
    values.forEach((value, index) => {
      const difference = Math.abs((actual[tensor]?.[index] ?? NaN) - value);
      maxAbsDifference = Math.max(maxAbsDifference, Number.isNaN(difference) ? Infinity : difference);
      largest = Math.max(largest, Math.abs(value));
    });
  }
  return { maxAbsDifference, ok: maxAbsDifference <= tolerance * largest };
}

/**
 * What to test of an adapter before it is known what runs on it. A software driver takes most of a second to compile
 * each form in f16: the conformance suite tests those drivers.
 */
export function testedPrecisions({
  adapterClass,
  features,
}: Pick<AdapterDescription, 'adapterClass' | 'features'>): Precision[] {
  return adapterClass === 'gpu' && features.includes('shader-f16') ? ['f32', 'f16'] : ['f32'];
}

/** The kernels to test, each with its shapes. */
function testedCases(stored: Precision): [KernelName, readonly Dims[]][] {
  if (stored !== 'f16') return Object.entries(SELF_TEST_DIMS) as [KernelName, readonly Dims[]][];
  const forms = Object.entries(HALF_FORMS) as [HalfKernelName, (typeof HALF_FORMS)[HalfKernelName]][];
  return forms.map(([name, { of }]) => [name, SELF_TEST_DIMS[of]]);
}

/**
 * Runs every kernel that has other shaders than the naive one on small shapes, once for each shader that is used, and
 * compares it with its twin in double precision: another shader may be wrong in the same way, since the same driver
 * compiled it. A software driver takes most of a second to compile one. A kernel whose shader disagrees is quarantined:
 * programs bound from then on use the naive one. Throws RUNTIME.KERNEL_WRONG if that one disagrees too.
 *
 * @param stored f16 tests the kernels' forms in f16 instead, which only runs in half precision need.
 */
export async function selfTest(backend: SelfTestedBackend, stored: Precision = 'f32'): Promise<SelfTestResult[]> {
  const results: SelfTestResult[] = [];
  const compared = new Map<string, Comparison>();
  const twins = openCpuBackend();
  const tolerance = stored === 'f16' ? HALF_TOLERANCE : TOLERANCE;
  for (const [name, cases] of testedCases(stored)) {
    for (const dims of cases) {
      const { used, naive } = backend.shaders(name, dims);
      if (used === naive) continue;
      let comparison = compared.get(used);
      if (comparison === undefined) {
        comparison = compare(await outputs(backend, { name, dims }), await outputs(twins, { name, dims }), tolerance);
        compared.set(used, comparison);
      }
      results.push({ kernel: name, shader: used, dims, ...comparison });
    }
  }
  for (const { kernel, dims, ok } of results) {
    if (ok) continue;
    backend.quarantine(kernel);
    const { ok: naiveOk, maxAbsDifference } = compare(
      await outputs(backend, { name: kernel, dims }),
      await outputs(twins, { name: kernel, dims }),
      tolerance,
    );
    if (!naiveOk) throw kernelWrongError(kernel, backend.adapter.description, maxAbsDifference);
  }
  return results;
}
