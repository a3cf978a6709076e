import type { DType } from '@millrace/tensor';

export type Dims = Readonly<Record<string, number>>;

/** Array a CPU twin works on: doubles for f32 and f16 tensors, exact integers for u32. */
export type TwinArray = Float64Array | Uint32Array;

export interface KernelBinding {
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly dtype: DType;
  /** A flag of the operation: without it the kernel leaves the binding unread. */
  readonly flag?: string;
  /** A matrix whose rows begin `stride` elements apart, which is a dim of the operation; without it they are close. */
  readonly strided?: true;
}

/** Consecutive values of an index: `first` and those after it, up to but without `end`. */
export interface AxisRange {
  readonly first: number;
  readonly end: number;
}

/**
 * A way to cut an operation into operations on parts of its tensors, which together compute the same: the same bits,
 * unless parts add to what the parts before them left (`accumulate`). A binding whose name begins with the axis'
 * letter is cut into ranges of rows, a strided one whose name ends with it into ranges of columns; the others are the
 * same for every part.
 */
export interface AxisCut {
  /** The name of the size that is cut into consecutive ranges. */
  readonly axis: string;
  /** Parts leave sums in what they write, to which those after them add. */
  readonly sums?: true;
  /** What the dims of a part say besides its own size along the axis. */
  part?(dims: Dims, range: AxisRange): Dims;
  /** Elements of a row of a binding that is cut into rows though its name does not tell, by the binding's name. */
  readonly rows?: Readonly<Record<string, (dims: Dims) => number>>;
}

/** How long rows are that a kernel reads in one of its ways, in elements: data of a kind of device. */
export interface RowThresholds {
  /** A subgroup, or a part of one, holds rows up to this length in registers. */
  readonly shortMax: number;
  /** A workgroup holds rows up to this length in its memory; it reads longer ones twice. */
  readonly middleMax: number;
  /** One invocation reads a row that is not short. */
  readonly naiveBeyond?: boolean;
}

/** What the choice of a variant may depend on: the adapter, never the partition. */
export interface KernelTarget {
  /** 'cpu' for software drivers (lavapipe, SwiftShader), else 'gpu'. */
  readonly adapterClass: 'cpu' | 'gpu';
  readonly maxWorkgroupSize: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly subgroups: boolean;
  /** Lanes of a subgroup where the adapter has just one size; absent where it varies or is unknown. */
  readonly subgroupSize?: number;
  /** Memory of a workgroup; without it, what every WebGPU device has. */
  readonly workgroupBytesMax?: number;
  /** Those of this kind of device, whatever was measured there: they change bits. Without it, those of its class. */
  readonly rowThresholds?: RowThresholds;
}

/** What a shader asks of an adapter besides what every adapter has. */
export interface VariantNeeds {
  /** Invocations of a workgroup. */
  readonly workgroupSize: number;
  readonly workgroupBytes: number;
}

/**
 * How the terms of a sum are added: variants of a kernel that say the same give the same bits on an adapter, so that a
 * tuner may choose among them.
 *  ascending   one after the other, from the first to the last
 *  fours       the sum of each four to the sum of those before
 *  shuffled    by each lane of a row its own, then those by shuffles among the lanes
 *  tree        by each invocation of a workgroup its own, then those by a tree in its memory
 *  running     the same, but each invocation corrects its sum as it goes, by a mean or maximum so far
 */
export type Rounding = 'ascending' | 'fours' | 'shuffled' | 'tree' | 'running';

/** One WGSL file and how to launch it for given dims. */
export interface KernelVariant {
  /** File name without folder and extension: a key of WGSL. */
  readonly wgsl: string;
  readonly overrides: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
  /** Where it is left out, it is the only variant besides the reference, and equals none. */
  readonly rounding?: Rounding;
  /** By which a choice names the variant, the same for all shapes. */
  readonly form?: string;
  readonly needs?: VariantNeeds;
}

/**
 * An operation: bindings in WGSL order (all in group 0, contiguous from 0), how it is launched, what it costs,
 * and its double-precision twin.
 */
export interface Kernel {
  readonly name: string;
  readonly bindings: readonly KernelBinding[];
  /** Chooses the WGSL variant and launch for these dims on this target: depends on shapes and adapter alone. */
  variant(dims: Dims, target: KernelTarget): KernelVariant;
  /** Every variant that could be launched on this target, where there are several. */
  variants?(dims: Dims, target: KernelTarget): readonly KernelVariant[];
  /** The naive variant that the others are checked against; the same as `variant` where there is only one. */
  reference(dims: Dims, target: KernelTarget): KernelVariant;
  flops(dims: Dims): number;
  /** Bytes read and written, each tensor once. */
  bytes(dims: Dims): number;
  /** What inputs must hold that follow from others, which are ids, by binding name (`withDerivedInputs`). */
  readonly derived?: Readonly<Record<string, (ids: Readonly<Record<string, Uint32Array>>) => Uint32Array>>;
  /** How the operation is cut if a tensor exceeds what can be bound, in the order in which the ways are tried. */
  readonly cuts?: readonly AxisCut[];
  /** The same computation in doubles; `tensors` by binding name. */
  cpu(dims: Dims, tensors: Readonly<Record<string, TwinArray>>): void;
}
