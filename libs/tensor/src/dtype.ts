export type DType = 'f32' | 'u32';

/** Bytes of one element. */
export const DTYPE_BYTES = { f32: 4, u32: 4 } as const satisfies Record<DType, number>;
