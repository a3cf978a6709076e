import { elementCount } from '@millrace/tensor';
import { bindingShape, isRead } from '../binding';
import type { Dims, Kernel, KernelBinding, KernelVariant } from '../kernel';

/** A kernel some of whose tensors are stored as f16; it computes and adds up in f32 as the other does. */
export interface HalfForm {
  /** The kernel's name. */
  readonly of: string;
  readonly stored: readonly string[];
  /** Whether its shader for subgroups leaves sums in a tensor, which would be rounded each time: others run instead. */
  readonly alone?: boolean;
}

/**
 * Every form in f16 by its name: that of the kernel and what its shaders' names go on with (`// In f16:` in their
 * headers). What stays f32 are weights that are read for themselves, the gradients of weights, statistics of rows,
 * scores and logits: `_logits` is for products with these.
 */
export const HALF_FORMS = {
  matmul_nn_f16: { of: 'matmul_nn', stored: ['a_MK', 'b_KN', 'residual_MN', 'c_MN'] },
  matmul_nn_f16_logits: { of: 'matmul_nn', stored: ['b_KN'] },
  matmul_nt_f16: { of: 'matmul_nt', stored: ['a_MK', 'b_NK', 'residual_MN', 'c_MN'] },
  matmul_nt_f16_logits: { of: 'matmul_nt', stored: ['a_MK', 'b_NK'] },
  matmul_tn_f16: { of: 'matmul_tn', stored: ['a_KM', 'b_KN'] },
  matmul_tn_f16_logits: { of: 'matmul_tn', stored: ['b_KN'] },
  matmul_nn_parts_f16: { of: 'matmul_nn_parts', stored: ['a_MK', 'b_KN'] },
  matmul_nt_parts_f16: { of: 'matmul_nt_parts', stored: ['a_MK', 'b_NK'] },
  matmul_tn_parts_f16: { of: 'matmul_tn_parts', stored: ['a_KM', 'b_KN'] },
  matmul_parts_sum_f16: { of: 'matmul_parts_sum', stored: ['residual_MN', 'c_MN'] },
  bias_backward_f16: { of: 'bias_backward', stored: ['dy_NC'] },
  layernorm_forward_f16: { of: 'layernorm_forward', stored: ['x_NC', 'y_NC'] },
  layernorm_backward_input_f16: {
    of: 'layernorm_backward_input',
    stored: ['dy_NC', 'x_NC', 'residual_NC', 'dx_NC'],
  },
  layernorm_backward_weight_f16: { of: 'layernorm_backward_weight', stored: ['dy_NC', 'x_NC'] },
  rmsnorm_forward_f16: { of: 'rmsnorm_forward', stored: ['x_NC', 'y_NC'] },
  rmsnorm_backward_input_f16: { of: 'rmsnorm_backward_input', stored: ['dy_NC', 'x_NC', 'residual_NC', 'dx_NC'] },
  rmsnorm_backward_weight_f16: { of: 'rmsnorm_backward_weight', stored: ['dy_NC', 'x_NC'] },
  gelu_forward_f16: { of: 'gelu_forward', stored: ['x_L', 'y_L'] },
  gelu_backward_f16: { of: 'gelu_backward', stored: ['x_L', 'dy_L', 'dx_L'] },
  swiglu_forward_f16: { of: 'swiglu_forward', stored: ['gate_L', 'up_L', 'y_L'] },
  swiglu_backward_f16: { of: 'swiglu_backward', stored: ['gate_L', 'up_L', 'dy_L', 'dgate_L', 'dup_L'] },
  rope_forward_f16: { of: 'rope_forward', stored: ['q_BTHD', 'k_BTGD', 'v_BTGD', 'qkv_BTE'] },
  rope_backward_f16: { of: 'rope_backward', stored: ['dqkv_BTE', 'dq_BTHD', 'dk_BTGD', 'dv_BTGD'] },
  flash_attention_forward_f16: { of: 'flash_attention_forward', stored: ['qkv_BTE', 'y_BTC'] },
  flash_attention_inner_f16: { of: 'flash_attention_inner', stored: ['dy_BTC', 'y_BTC'] },
  flash_attention_backward_f16: {
    of: 'flash_attention_backward',
    stored: ['qkv_BTE', 'dy_BTC', 'dqkv_BTE'],
    alone: true,
  },
  embedding_forward_f16: { of: 'embedding_forward', stored: ['y_BTC'] },
  embedding_forward_token_f16: { of: 'embedding_forward_token', stored: ['y_BTC'] },
  embedding_backward_token_f16: { of: 'embedding_backward_token', stored: ['dy_BTC'] },
  embedding_backward_position_f16: { of: 'embedding_backward_position', stored: ['dy_BTC'] },
  dropout_f16: { of: 'dropout', stored: ['x_BTC', 'residual_BTC', 'y_BTC'] },
  add_f16: { of: 'add', stored: ['a_L', 'b_L', 'y_L'] },
} as const satisfies Readonly<Record<string, HalfForm>>;

export type HalfKernelName = keyof typeof HALF_FORMS;
/** The kernels that have forms in f16. */
type HalvedName = (typeof HALF_FORMS)[HalfKernelName]['of'];

/** The names of a kernel's forms in f16, those that store more first. */
export function halfFormsOf(kernel: string): HalfKernelName[] {
  return (Object.keys(HALF_FORMS) as HalfKernelName[]).filter((name) => HALF_FORMS[name].of === kernel);
}

function halfKernel(name: string, { of, stored, alone = false }: HalfForm, full: Kernel): Kernel {
  const isStored = (binding: KernelBinding): boolean => stored.includes(binding.name);
  const ending = name.slice(of.length);
  const inHalf = (variant: KernelVariant): KernelVariant => ({ ...variant, wgsl: `${variant.wgsl}${ending}` });
  const { variants } = full;
  // Sums that parts leave for each other would be rounded each time.
  const keepsSums = !full.bindings.some((binding) => binding.access === 'read_write' && isStored(binding));
  const cuts = full.cuts?.filter(({ sums }) => keepsSums || sums === undefined);
  return {
    ...full,
    name,
    bindings: full.bindings.map((binding) => (isStored(binding) ? { ...binding, dtype: 'f16' } : binding)),
    variant: (dims, target) => inHalf(full.variant(dims, alone ? { ...target, subgroups: false } : target)),
    ...(variants && { variants: (dims, target) => variants(dims, target).map(inHalf) }),
    reference: (dims, target) => inHalf(full.reference(dims, target)),
    bytes: (dims) => full.bytes(dims) * storedPart(full.bindings, isStored, dims),
    ...(cuts && { cuts }),
  };
}

/** What a kernel moves in f16, as a part of what it moves in f32. */
function storedPart(
  bindings: readonly KernelBinding[],
  isStored: (binding: KernelBinding) => boolean,
  dims: Dims,
): number {
  let [all, halved] = [0, 0];
  for (const binding of bindings) {
    if (!isRead(binding, dims)) continue;
    const count = elementCount(bindingShape(binding.name, dims));
    all += count;
    if (isStored(binding)) halved += count;
  }
  return 1 - halved / all / 2;
}

export function halfKernels(full: Readonly<Record<HalvedName, Kernel>>): Readonly<Record<HalfKernelName, Kernel>> {
  const forms = Object.entries(HALF_FORMS).map(([name, form]) => [name, halfKernel(name, form, full[form.of])]);
  return Object.fromEntries(forms) as Record<HalfKernelName, Kernel>;
}
