import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';

/** Which variant of a kernel runs the shapes of a bucket: data that was measured on a kind of device. */
export interface KernelChoice {
  readonly kernel: string;
  readonly bucket: string;
  /** The variant's form. */
  readonly form: string;
}

/** Forms by kernel and bucket. */
export type KernelChoices = ReadonlyMap<string, string>;

export const NO_CHOICES: KernelChoices = new Map();

export function kernelChoices(list: readonly KernelChoice[]): KernelChoices {
  return new Map(list.map(({ kernel, bucket, form }) => [choiceKey(kernel, bucket), form]));
}

export function choiceKey(kernel: string, bucket: string): string {
  return `${kernel} ${bucket}`;
}

/** Dims that are sizes; the others are flags, strides and numbers such as an epsilon. */
const SIZE = /^[A-Z]$/;

/** Shapes whose sizes have the same number of doublings share a choice, such as `K10 M11 N12`. */
export function shapeBucket(dims: Dims): string {
  const sizes = Object.entries(dims).filter(([name]) => SIZE.test(name));
  const doublings = sizes.map(([name, size]) => `${name}${Math.ceil(Math.log2(Math.max(1, size)))}`);
  return doublings.sort().join(' ');
}

/**
 * The variant that a target launches, and those that may take its place because they give the same bits. Where a
 * variant does not say how it rounds, none may.
 */
export function interchangeable(kernel: Kernel, dims: Dims, target: KernelTarget): readonly KernelVariant[] {
  const usual = kernel.variant(dims, target);
  if (usual.rounding === undefined || usual.form === undefined) return [usual];
  const others = kernel.variants?.(dims, target) ?? [];
  const equal = others.filter(({ rounding, form }) => rounding === usual.rounding && form !== undefined);
  return [usual, ...equal.filter(({ form }) => form !== usual.form)];
}

/** The variant that is launched where choices were made: one that rounds otherwise, or is unknown, is never taken. */
export function chosenVariant(kernel: Kernel, dims: Dims, by: ChoosingTarget): KernelVariant {
  const { target, choices } = by;
  const form = choices.get(choiceKey(kernel.name, shapeBucket(dims)));
  if (form === undefined) return kernel.variant(dims, target);
  const [usual, ...others] = interchangeable(kernel, dims, target);
  return others.find((each) => each.form === form) ?? usual!;
}

export interface ChoosingTarget {
  readonly target: KernelTarget;
  readonly choices: KernelChoices;
}
