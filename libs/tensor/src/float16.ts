/**
 * IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 mantissa bits. On the host an f16 tensor is an array
 * of these bits.
 */

const SIGN = 0x8000;
const INFINITY = 0x7c00;
const NOT_A_NUMBER = 0x7e00;
/** From here on numbers are nearer to 2^16, which is infinite, than to 65504. */
const OVERFLOW = 65_520;
const NORMAL_MIN = 2 ** -14;
const SUBNORMAL_UNIT = 2 ** -24;

/** The nearest whole number, of two the even one. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below + (below % 2);
  return rest < 0.5 ? below : below + 1;
}

/** The bits of the f16 nearest to a number, of two the one whose last bit is 0. Every NaN has the same bits. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const sign = value < 0 || Object.is(value, -0) ? SIGN : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= OVERFLOW) return sign | INFINITY;
  // A carry out of the mantissa goes into the exponent, in both forms.
  if (magnitude < NORMAL_MIN) return sign | nearest(magnitude / SUBNORMAL_UNIT);
  let exponent = Math.floor(Math.log2(magnitude));
  // A logarithm just below a power of two may be rounded up to it.
  if (2 ** exponent > magnitude) exponent--;
  return sign | (((exponent + 14) << 10) + nearest(magnitude * 2 ** (10 - exponent)));
}

/** The number that the bits mean, which f32 and f64 hold exactly. */
export function fromFloat16Bits(bits: number): number {
  const sign = (bits & SIGN) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * SUBNORMAL_UNIT;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The bits of the nearest f16 of each number. */
export function toFloat16Array(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) bits[index] = toFloat16Bits(values[index]!);
  return bits;
}

/** Makes each number the nearest f16. */
export function roundToFloat16(values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = fromFloat16Bits(toFloat16Bits(values[index]!));
}
