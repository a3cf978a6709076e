/**
 * What a frame is for. "norm" and "commit" end a step; "account" says where a rank's time of a step went; "evaluation"
 * is a forward pass that nothing is kept of.
 */
export const EDGES = ['activation', 'gradient', 'tied', 'norm', 'commit', 'account', 'token', 'evaluation'] as const;
export type Edge = (typeof EDGES)[number];

/** Bytes of the largest payload of each kind that the plan of an attempt has reason to send. */
export type FrameBounds = Readonly<Record<Edge, number>>;

/** Of a payload. Doubles travel between CPU twins; 'u8' is text or anything else that is not a tensor. */
export const FRAME_DTYPE_BYTES = { f32: 4, f64: 8, u32: 4, u8: 1 } as const;
export type FrameDType = keyof typeof FRAME_DTYPE_BYTES;

/** What a receiver waits for. A rank gets at most one frame of each key. */
export interface FrameKey {
  readonly edge: Edge;
  readonly step: number;
  /** -1 where there is none. */
  readonly microBatch: number;
  /** Which of its chunks the sender means; 0 where it speaks for its rank. */
  readonly chunk: number;
  readonly fromRank: number;
  /**
   * How many optimistic steps the attempt had rolled back: tells the frames of a dropped step from those of its
   * repetition. Every rank counts the same ones.
   */
  readonly rollbacks: number;
}

/** `rollbacks` of a frame that no roll-back drops. */
export const OUTLIVES_ROLLBACKS = 2 ** 31 - 1;

/** A tensor on its way from one rank to another. */
export interface TensorFrame extends FrameKey {
  readonly direction: 'forward' | 'backward';
  readonly dtype: FrameDType;
  readonly shape: readonly number[];
  /** Begins where an array of its type may begin; its ArrayBuffer may hold other things too. */
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

/** The payload as the array of its dtype, without a copy. */
export function frameArray(
  frame: TensorFrame,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = frame.payload;
  if (frame.dtype === 'f64') return new Float64Array(buffer, byteOffset, byteLength / 8);
  if (frame.dtype === 'u32') return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}
