import type { SafetensorsDType } from './header';

export interface FloatConversion {
  /** Bytes of one source element. */
  readonly bytes: number;
  /** Fills the start of `values` with the elements of `source`, which has whole elements at any alignment. */
  into(values: Float32Array, source: Uint8Array): void;
}

/** How to read a dtype as f32; undefined if it is not a floating-point type in which weights are stored. */
export function toFloat32(dtype: SafetensorsDType): FloatConversion | undefined {
  switch (dtype) {
    case 'F32':
      return { bytes: 4, into: (values, source) => bytesOf(values).set(source) };
    case 'F64':
      return elementwise(8, (view, at) => view.getFloat64(at, true));
    case 'BF16':
      return { bytes: 2, into: fillFromBfloat16 };
    case 'F16':
      return elementwise(2, (view, at) => halfToNumber(view.getUint16(at, true)));
    default:
      return undefined;
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A conversion that reads one element after the other. */
function elementwise(bytes: number, element: (view: DataView, at: number) => number): FloatConversion {
  return {
    bytes,
    into: (values, source) => {
      const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
      for (let index = 0; index * bytes < source.byteLength; index++) values[index] = element(view, index * bytes);
    },
  };
}

/** bfloat16 is the upper half of an f32. */
function fillFromBfloat16(values: Float32Array, source: Uint8Array): void {
  const halves = new Uint16Array(values.buffer, values.byteOffset, values.length * 2);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let index = 0; index * 2 < source.byteLength; index++) {
    halves[index * 2] = 0;
    halves[index * 2 + 1] = view.getUint16(index * 2, true);
  }
}

/** IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 of fraction. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
