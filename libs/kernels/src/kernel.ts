import type { DType } from '@millrace/tensor';

export type Dims = Readonly<Record<string, number>>;

/** Array a CPU twin works on: doubles for f32 tensors, exact integers for u32. */
export type TwinArray = Float64Array | Uint32Array;

export interface KernelBinding {
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly dtype: DType;
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
  /** Measured on this kind of device; without it, those of its class. */
  readonly rowThresholds?: RowThresholds;
}

/** One WGSL file and how to launch it for given dims. */
export interface KernelVariant {
  /** File name without folder and extension: a key of WGSL. */
  readonly wgsl: string;
  readonly overrides: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
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
  /** The naive variant that the others are checked against; the same as `variant` where there is only one. */
  reference(dims: Dims, target: KernelTarget): KernelVariant;
  flops(dims: Dims): number;
  /** Bytes read and written, each tensor once. */
  bytes(dims: Dims): number;
  /** What inputs must hold that follow from others, which are ids, by binding name (`withDerivedInputs`). */
  readonly derived?: Readonly<Record<string, (ids: Readonly<Record<string, Uint32Array>>) => Uint32Array>>;
  /** The same computation in doubles; `tensors` by binding name. */
  cpu(dims: Dims, tensors: Readonly<Record<string, TwinArray>>): void;
}
