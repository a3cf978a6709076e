/** Of whole numbers that are not negative, by Euclid's algorithm; that of a and 0 is a. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
