import { dimension } from '../dimension';
import type { Dims, KernelTarget, VariantNeeds } from '../kernel';

export type ProductLayout = 'nn' | 'nt' | 'tn';

/**
 * A tile of c by one workgroup: matmul_block.template.wgsl expands to each of them, for each layout and for what is
 * fused with a product; and to the smallest for parts of K, which go to parts_PMN.
 */
export interface GpuTile {
  readonly rows: number;
  readonly columns: number;
}

/** Largest first: a larger tile reads less for each product. */
export const GPU_TILES: readonly GpuTile[] = [
  { rows: 128, columns: 128 },
  { rows: 128, columns: 64 },
  { rows: 64, columns: 64 },
];

/**
 * Workgroups that keep a large GPU busy. A product of fewer tiles takes a smaller tile, down to the one whose 256
 * invocations have 4 x 4 results each: what counts then is how many invocations there are.
 */
export const TILES_MIN = 128;

/** The k of a's rows and b's columns that a tile loads at once; parts of K are whole slabs. */
export const SLAB = 16;

/** 8 x 8 results for each invocation; a slab of a's rows and b's columns, padded by a vector, in workgroup memory. */
export function tileNeeds({ rows, columns }: GpuTile): VariantNeeds {
  const vectors = SLAB * (rows / 4 + 1 + columns / 4 + 1);
  return { workgroupSize: (rows * columns) / 64, workgroupBytes: 16 * vectors };
}

/** By which shaders and choices name the tile. */
export function tileForm({ rows, columns }: GpuTile): string {
  return `${rows}x${columns}`;
}

export function tileCount(dims: Dims, { rows, columns }: GpuTile): number {
  return Math.ceil(dimension(dims, 'M') / rows) * Math.ceil(dimension(dims, 'N') / columns);
}

/** By shape and by what the adapter holds; all of them give the same bits. */
export function gpuTile(dims: Dims, target: KernelTarget): GpuTile | undefined {
  return GPU_TILES.find((tile) => fitsTarget(tileNeeds(tile), target) && tileCount(dims, tile) >= TILES_MIN);
}

/** What lies side by side in a and b. */
const SIDES: Readonly<Record<ProductLayout, readonly string[]>> = { nn: ['K', 'N'], nt: ['K'], tn: ['M', 'N'] };

/** Whether rows of a and b are whole vectors, where they lie close. */
export function isInVectors(layout: ProductLayout, dims: Dims): boolean {
  return SIDES[layout].every((name) => dimension(dims, name) % 4 === 0);
}

/** Least limits of WebGPU, for adapters that tell nothing. */
const WORKGROUP_BYTES_MIN = 16_384;

export function fitsTarget(needs: VariantNeeds, target: KernelTarget): boolean {
  const { maxWorkgroupSize, workgroupBytesMax = WORKGROUP_BYTES_MIN } = target;
  return needs.workgroupSize <= maxWorkgroupSize && needs.workgroupBytes <= workgroupBytesMax;
}
