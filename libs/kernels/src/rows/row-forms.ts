import type { Dims, Kernel, KernelTarget, KernelVariant, Rounding, RowThresholds } from '../kernel';
import { linearWorkgroups } from '../launch';

/** A lane holds at most so many packs of a short row in registers. */
const PACKS_OF_A_LANE_MAX = 8;
/** Elements of a pack where the length of rows is divisible by it: one load of 16 bytes. */
const PACK = 4;
const SHORT_WORKGROUP_SIZE = 128;
/** Short rows share a workgroup, which changes no sum. */
const SHORT_WORKGROUP_SIZES = [SHORT_WORKGROUP_SIZE, 64, 256];
const WORKGROUP_SIZE_MAX = 256;
/** What every WebGPU device gives a workgroup. */
const WORKGROUP_BYTES = 16_384;

/** Where none are stated for the kind of device: a short row is as long as a subgroup of 32 holds. */
const GPU_THRESHOLDS: RowThresholds = { shortMax: 1024, middleMax: 12_288 };

/**
 * On software drivers. Short rows of up to 256 take lavapipe 0.3 to 0.9 times as long as an invocation per row, which
 * is little of a step, but it compiles their shaders for long, and for every shape of a model anew.
 * Barriers cost it more than they save.
 */
const NAIVE: RowThresholds = { shortMax: 0, middleMax: 0, naiveBeyond: true };

function thresholdsOf({ rowThresholds, adapterClass }: KernelTarget): RowThresholds {
  if (rowThresholds !== undefined) return rowThresholds;
  return adapterClass === 'gpu' ? GPU_THRESHOLDS : NAIVE;
}

export interface RowOperation {
  /** The kernel's name, with which those of its shaders begin. */
  readonly kernel: string;
  readonly rows: number;
  /** Elements of a row. */
  readonly length: number;
  /** Tensors of a row's length that are held from one pass over it to the next. */
  readonly heldCount: number;
  /** The shader's overrides besides those of its form. */
  readonly overrides: Dims;
  /** Of long rows; by a tree the sums are those of middle ones. */
  readonly longRounding: Extract<Rounding, 'tree' | 'running'>;
}

/**
 * One of three ways by the length of rows, as OneFlow does: a subgroup or a part of one per row, which it holds in
 * registers; a workgroup per row, which it holds in its memory; or a workgroup per row that is read twice. Undefined
 * where the naive form is used. The way depends on the length and the kind of device alone, and so do the bits.
 */
function rowVariant(operation: RowOperation, target: KernelTarget): KernelVariant | undefined {
  const thresholds = thresholdsOf(target);
  const short = shortVariant(operation, target, thresholds);
  if (short !== undefined || thresholds.naiveBeyond === true) return short;
  return workgroupVariant(operation, target, thresholds);
}

/** Rows whose length is no multiple of a pack begin anywhere: they are read element by element. */
function packing(length: number): { readonly packs: number; readonly suffix: string } {
  return length % PACK === 0 ? { packs: length / PACK, suffix: '' } : { packs: length, suffix: '_odd' };
}

/**
 * The forms of rows that the target can run, whatever their length: a tuner chooses how many short rows share a
 * workgroup, and from which length on rows are read twice where that changes no bit.
 */
function rowVariants(operation: RowOperation, target: KernelTarget): KernelVariant[] {
  const short = SHORT_WORKGROUP_SIZES.flatMap((size) => shortForm(operation, target, size) ?? []);
  const middle = middleForm(operation, target);
  return [...short, ...(middle === undefined ? [] : [middle]), longForm(operation, target)];
}

/** A kernel's launches: by the form of its rows, or else naive. */
export function rowLaunches(
  rowsOf: (dims: Dims) => RowOperation,
  naive: Kernel['reference'],
): Pick<Kernel, 'variant' | 'variants' | 'reference'> {
  return {
    variant: (dims, target) => rowVariant(rowsOf(dims), target) ?? naive(dims, target),
    variants: (dims, target) => [naive(dims, target), ...rowVariants(rowsOf(dims), target)],
    reference: naive,
  };
}

function shortVariant(
  operation: RowOperation,
  target: KernelTarget,
  { shortMax }: RowThresholds,
): KernelVariant | undefined {
  return operation.length > shortMax ? undefined : shortForm(operation, target, SHORT_WORKGROUP_SIZE);
}

function shortForm(
  { kernel, rows, length, overrides }: RowOperation,
  target: KernelTarget,
  workgroupSize: number,
): KernelVariant | undefined {
  const { packs, suffix } = packing(length);
  const lanes = target.subgroups ? (target.subgroupSize ?? 0) : 0;
  if (packs > lanes * PACKS_OF_A_LANE_MAX) return undefined;
  const R = Math.min(lanes, powerOfTwo(packs));
  const WG = Math.max(workgroupSize, lanes);
  if (WG > target.maxWorkgroupSize) return undefined;
  return {
    wgsl: `${kernel}_short${suffix}`,
    overrides: { ...overrides, WG, R, K: Math.ceil(packs / R) },
    workgroups: linearWorkgroups(Math.ceil(rows / (WG / R)), target),
    rounding: 'shuffled',
    form: `short-${workgroupSize}`,
  };
}

function workgroupVariant(operation: RowOperation, target: KernelTarget, { middleMax }: RowThresholds): KernelVariant {
  const middle = operation.length <= middleMax ? middleForm(operation, target) : undefined;
  return middle ?? longForm(operation, target);
}

function middleForm(operation: RowOperation, target: KernelTarget): KernelVariant | undefined {
  const { length, heldCount } = operation;
  const bytes = 4 * (heldCount * length + workgroupOf(operation, target));
  if (bytes > (target.workgroupBytesMax ?? WORKGROUP_BYTES)) return undefined;
  return workgroupForm(operation, target, { form: 'middle', rounding: 'tree' });
}

function longForm(operation: RowOperation, target: KernelTarget): KernelVariant {
  return workgroupForm(operation, target, { form: 'long', rounding: operation.longRounding });
}

/** The same in both forms, whose sums have as many lanes. */
function workgroupOf({ length }: RowOperation, { maxWorkgroupSize }: KernelTarget): number {
  return Math.min(WORKGROUP_SIZE_MAX, maxWorkgroupSize, Math.max(32, powerOfTwo(packing(length).packs)));
}

function workgroupForm(
  operation: RowOperation,
  target: KernelTarget,
  { form, rounding }: { readonly form: 'middle' | 'long'; readonly rounding: Rounding },
): KernelVariant {
  const { kernel, rows, length, overrides } = operation;
  return {
    wgsl: `${kernel}_${form}${packing(length).suffix}`,
    overrides: { ...overrides, WG: workgroupOf(operation, target) },
    workgroups: linearWorkgroups(rows, target),
    rounding,
    form,
  };
}

/** The least power of two that is not less. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}
