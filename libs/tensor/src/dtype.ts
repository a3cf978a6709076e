/** How the elements of a tensor are stored. Kernels compute and add up in f32 whatever they load and store. */
export type DType = 'f32' | 'f16' | 'u32';

/** Bytes of one element. */
export const DTYPE_BYTES = { f32: 4, f16: 2, u32: 4 } as const satisfies Record<DType, number>;

/** Devices bind, copy and clear whole words: a tensor's memory is a whole number of them. */
export const WORD_BYTES = 4;
