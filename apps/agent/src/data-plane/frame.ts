/**
 * What a frame is for. "norm" and "commit" frames end a step; an "account" frame tells where a rank's time of a step
 * went; an "evaluation" frame belongs to a forward pass of which nothing is kept.
 */
export const EDGES = ['activation', 'gradient', 'tied', 'norm', 'commit', 'account', 'token', 'evaluation'] as const;
export type Edge = (typeof EDGES)[number];

/** For each kind, the bytes of the largest payload that the plan of an attempt has reason to send. */
export type FrameBounds = Readonly<Record<Edge, number>>;

/**
 * Bytes per element of a payload. Doubles travel between CPU twins, f16 as its bits; 'u8' is text or anything else that
 * is not a tensor.
 */
export const FRAME_DTYPE_BYTES = { f32: 4, f64: 8, f16: 2, u32: 4, u8: 1 } as const;
export type FrameDType = keyof typeof FRAME_DTYPE_BYTES;

/** What a receiver waits for. A rank gets at most one frame with each key. */
export interface FrameKey {
  readonly edge: Edge;
  readonly step: number;
  /** -1 where the frame belongs to no micro-batch. */
  readonly microBatch: number;
  /** Which of its own chunks the sender means; 0 where the frame belongs to the whole rank. */
  readonly chunk: number;
  readonly fromRank: number;
  /**
   * How many optimistic steps the attempt had rolled back when the frame was sent. It tells the frames of a dropped
   * step from those of its repetition; every rank counts the same steps.
   */
  readonly rollbacks: number;
}

/** The value of `rollbacks` in a frame that no rollback drops. */
export const OUTLIVES_ROLLBACKS = 2 ** 31 - 1;

/** A tensor on its way from one rank to another. */
export interface TensorFrame extends FrameKey {
  readonly direction: 'forward' | 'backward';
  readonly dtype: FrameDType;
  readonly shape: readonly number[];
  /** The payload begins where an array of its type may begin; its ArrayBuffer may hold other things too. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export function frameKeyText(key: FrameKey): string {
  const microBatch = key.microBatch < 0 ? '' : `, micro-batch ${key.microBatch}`;
  const chunk = key.chunk === 0 ? '' : `, chunk ${key.chunk}`;
  const rollbacks =
    key.rollbacks === 0 || key.rollbacks === OUTLIVES_ROLLBACKS ? '' : `, after ${key.rollbacks} rollbacks`;
  return `${key.edge} of step ${key.step}${microBatch} from rank ${key.fromRank}${chunk}${rollbacks}`;
}

/** Bytes of the whole payload, which may arrive in several messages. */
export function frameBytes(frame: Pick<TensorFrame, 'dtype' | 'shape'>): number {
  return frame.shape.reduce((product, size) => product * size, FRAME_DTYPE_BYTES[frame.dtype]);
}

/** The payload as an array of its dtype, which shares its memory. */
export function frameArray(
  frame: TensorFrame,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = frame.payload;
  if (frame.dtype === 'f16') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (frame.dtype === 'f64') return new Float64Array(buffer, byteOffset, byteLength / 8);
  if (frame.dtype === 'u32') return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}
