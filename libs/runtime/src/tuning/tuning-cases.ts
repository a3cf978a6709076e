import {
  choiceKey,
  type Dims,
  interchangeable,
  type Kernel,
  type KernelChoices,
  type KernelName,
  KERNELS,
  type KernelTarget,
  type KernelVariant,
  type Operation,
  type Program,
  shapeBucket,
} from '@millrace/kernels';
import { DTYPE_BYTES, VIEW_ALIGNMENT_BYTES } from '@millrace/tensor';
import type { BackendSpeed } from '../benchmark-backend';
import { suitProgram } from '../fits/suit-program';
import { dispatchMs } from '../submission/dispatch-cost';
import { elementsUsed } from '../views/binding-use';

/** Variants of equal bits among which a choice is to be made, and the shape on which they are tried. */
export interface TuningCase {
  readonly kernel: KernelName;
  readonly bucket: string;
  readonly dims: Dims;
  /** The usual one first. */
  readonly variants: readonly KernelVariant[];
}

export interface CaseOptions {
  readonly target: KernelTarget;
  readonly bindingBytesMax: number;
  readonly speed: BackendSpeed;
  /** Choices that were made: their cases are left out. */
  readonly known: KernelChoices;
  /** Kernels that are launched as their naive variant. */
  readonly avoided: ReadonlySet<string>;
}

/** A try of a variant that is as fast as predicted takes no longer: a shape that takes longer is halved. */
const TRY_MS_MAX = 20;
/** What a case reads and what it writes are in one buffer each, of this size at most. */
export const SCRATCH_BYTES_MAX = 128 * 1024 * 1024;
const CASES_MAX = 64;
/** Halves keep enough tiles and rows to occupy a device. */
const SIZE_MIN = 256;

/** The cases of programs, those first that take most of their time by prediction. */
export function tuningCases(programs: readonly Program[], options: CaseOptions): TuningCase[] {
  const { target, bindingBytesMax, known, avoided } = options;
  const found = new Map<string, { totalMs: number; costMs: number; operation: Operation }>();
  for (const program of programs) {
    for (const step of suitProgram(program, target, bindingBytesMax).steps) {
      if ('clear' in step) continue;
      const key = choiceKey(step.kernel, shapeBucket(step.dims));
      if (known.has(key) || avoided.has(step.kernel)) continue;
      const costMs = dispatchMs(KERNELS[step.kernel], step.dims, options.speed);
      const before = found.get(key);
      if (before === undefined) found.set(key, { totalMs: costMs, costMs, operation: step });
      else {
        before.totalMs += costMs;
        if (costMs > before.costMs) Object.assign(before, { costMs, operation: step });
      }
    }
  }
  const costly = [...found.values()].sort((a, b) => b.totalMs - a.totalMs);
  return costly.flatMap(({ operation }) => caseOf(operation, options) ?? []).slice(0, CASES_MAX);
}

function caseOf({ kernel: name, dims: wanted }: Operation, options: CaseOptions): TuningCase | undefined {
  const kernel = KERNELS[name];
  // Most kernels have one form, which is told before their shapes are halved.
  if (tried(kernel, wanted, options.target).length < 2) return undefined;
  const dims = smallerDims(kernel, wanted, options);
  if (dims === undefined) return undefined;
  const variants = tried(kernel, dims, options.target);
  return variants.length < 2 ? undefined : { kernel: name, bucket: shapeBucket(wanted), dims, variants };
}

/** The naive variant is no candidate: of a large shape it takes a GPU so long that its driver may be reset. */
function tried(kernel: Kernel, dims: Dims, target: KernelTarget): KernelVariant[] {
  const naive = kernel.reference(dims, target).wgsl;
  return interchangeable(kernel, dims, target).filter(({ wgsl }, index) => index === 0 || wgsl !== naive);
}

/** The shape, halved along rows or columns of the result until a try is short and its scratch memory small enough. */
function smallerDims(kernel: Kernel, wanted: Dims, { speed, bindingBytesMax }: CaseOptions): Dims | undefined {
  const bytesMax = Math.min(SCRATCH_BYTES_MAX, bindingBytesMax);
  let dims = wanted;
  for (;;) {
    const { readBytes, writeBytes } = scratchBytes(kernel, dims);
    if (Math.max(readBytes, writeBytes) <= bytesMax && dispatchMs(kernel, dims, speed) <= TRY_MS_MAX) return dims;
    const [largest] = ['M', 'N'].sort((a, b) => (dims[b] ?? 0) - (dims[a] ?? 0)) as [string];
    const size = dims[largest] ?? 0;
    if (size < 2 * SIZE_MIN) return undefined;
    // Whole vectors stay whole.
    const half = size % 4 === 0 ? 4 * Math.floor(size / 8) : 2 * Math.floor(size / 4) + 1;
    dims = { ...dims, [largest]: half };
  }
}

/** Where a case's tensors lie in scratch memory: inputs share their bytes, outputs lie one after the other. */
export function scratchBytes(kernel: Kernel, dims: Dims): { readonly readBytes: number; readonly writeBytes: number } {
  let [readBytes, writeBytes] = [0, 0];
  for (const binding of kernel.bindings) {
    const bytes = scratchRoom(elementsUsed(binding, dims) * DTYPE_BYTES[binding.dtype]);
    if (binding.access === 'read') readBytes = Math.max(readBytes, bytes);
    else writeBytes += bytes;
  }
  return { readBytes, writeBytes };
}

/** Bytes up to where the next binding may begin. */
export function scratchRoom(bytes: number): number {
  return VIEW_ALIGNMENT_BYTES * Math.ceil(bytes / VIEW_ALIGNMENT_BYTES);
}
