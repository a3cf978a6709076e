import { z } from 'zod';

const TILES = ['tile', 'workgroup', '128x128', '128x64', '64x64'] as const;
const FUSED_TILES = ['128x128', '128x64', '64x64'] as const;
const SHORT_ROWS = ['short-64', 'short-128', 'short-256'] as const;
const ROWS = [...SHORT_ROWS, 'middle', 'long'] as const;

/**
 * The forms of kernels among which a device is tuned, as libs/kernels has them: the API, which knows no kernels, takes
 * no others from an agent.
 */
export const TUNED_FORMS: Readonly<Record<string, readonly string[]>> = {
  ...ofAll(['matmul_nn', 'matmul_nt', 'matmul_tn'], ['', '_f16', '_f16_logits'], TILES),
  ...ofAll(['matmul_nn_gelu', 'matmul_nt_swiglu'], [''], FUSED_TILES),
  ...ofAll(['layernorm_forward'], ['', '_f16'], SHORT_ROWS),
  ...ofAll(['cross_entropy_forward'], [''], SHORT_ROWS),
  ...ofAll(['layernorm_backward_input', 'rmsnorm_forward', 'rmsnorm_backward_input'], ['', '_f16'], ROWS),
};

function ofAll(
  kernels: readonly string[],
  endings: readonly string[],
  forms: readonly string[],
): Record<string, readonly string[]> {
  const names = kernels.flatMap((kernel) => endings.map((ending) => `${kernel}${ending}`));
  return Object.fromEntries(names.map((name) => [name, forms]));
}

/** A kind of device has at most so many choices, and an agent reports at most so many at once. */
export const CHOICES_MAX = 1024;

/** Sizes by their doublings, such as `K10 M11 N12`. */
const BUCKET = /^[A-Z]\d{1,2}(?: [A-Z]\d{1,2}){0,7}$/;

/**
 * Which of a kernel's variants of equal bits runs the shapes of a bucket. A plan may name a form that an agent of
 * another version does not have: it takes its usual one, which gives the same bits.
 */
export const kernelChoiceSchema = z.strictObject({
  kernel: z.string().min(1).max(64),
  bucket: z.string().regex(BUCKET),
  form: z.string().min(1).max(32),
});
export type KernelChoiceDocument = z.output<typeof kernelChoiceSchema>;

/** What an agent measured: the choice, and the milliseconds of a launch beside those of the usual variant. */
export const measuredChoiceSchema = kernelChoiceSchema
  .extend({ ms: z.number().positive(), usualMs: z.number().positive() })
  .refine(({ kernel, form }) => Object.hasOwn(TUNED_FORMS, kernel) && TUNED_FORMS[kernel]!.includes(form), {
    error: ({ input }) => {
      const { kernel, form } = input as KernelChoiceDocument;
      return `"${form}" is no form of "${kernel}" among which a device is tuned`;
    },
  });
export type MeasuredChoiceDocument = z.output<typeof measuredChoiceSchema>;
