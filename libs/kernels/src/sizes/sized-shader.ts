/** A shader that reads its sizes from a buffer, so that it is compiled once for all of them (scripts/kernels). */
export interface SizedShader {
  /** The types of the buffer's members by name, in their order. */
  readonly sizes: Readonly<Record<string, 'u32' | 'f32'>>;
  readonly text: string;
}
