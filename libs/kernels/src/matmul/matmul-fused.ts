import { input, inputIf, output } from '../binding';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelBinding, KernelTarget, KernelVariant } from '../kernel';
import { linearWorkgroups, perItem } from '../launch';
import { fitsTarget, GPU_TILES, type GpuTile, gpuTile, isInVectors, tileCount, tileForm, tileNeeds } from './gpu-tiles';
import { matmulNnGeluTwin, matmulNtSwigluTwin } from './matmul-fused.cpu';

/** A product whose result goes through a function of its elements as it is stored. */
interface FusedProduct {
  readonly name: 'matmul_nn_gelu' | 'matmul_nt_swiglu';
  readonly layout: 'nn' | 'nt';
  readonly inputs: readonly KernelBinding[];
  /** Operations of the function for each element, roughly. */
  readonly elementFlops: number;
  readonly cpu: Kernel['cpu'];
}

function fused({ name, layout, inputs, elementFlops, cpu }: FusedProduct): Kernel {
  const overrides = (dims: Dims): Dims => {
    const sizes = { M: dimension(dims, 'M'), K: dimension(dims, 'K'), N: dimension(dims, 'N') };
    return name === 'matmul_nn_gelu' ? { ...sizes, BIAS: flag(dims, 'bias') } : sizes;
  };
  const elements = (dims: Dims): number => dimension(dims, 'M') * dimension(dims, 'N');
  const scalar = (dims: Dims, target: KernelTarget): KernelVariant => {
    const shader = { wgsl: `${name}_scalar`, overrides: overrides(dims) };
    return { ...perItem(shader, elements(dims), target), rounding: 'ascending', form: 'scalar' };
  };
  const block = (dims: Dims, target: KernelTarget, gpu: GpuTile): KernelVariant => ({
    wgsl: `${name}_${tileForm(gpu)}${isInVectors(layout, dims) ? '' : '_any'}`,
    overrides: overrides(dims),
    workgroups: linearWorkgroups(tileCount(dims, gpu), target),
    rounding: 'ascending',
    form: tileForm(gpu),
    needs: tileNeeds(gpu),
  });
  return {
    name,
    bindings: [...inputs, output('c_MN'), output('y_MN')],
    variant: (dims, target) => {
      const gpu = target.adapterClass === 'cpu' ? undefined : gpuTile(dims, target);
      return gpu === undefined ? scalar(dims, target) : block(dims, target, gpu);
    },
    variants: (dims, target) => {
      const tiles = GPU_TILES.filter((gpu) => fitsTarget(tileNeeds(gpu), target));
      return [scalar(dims, target), ...tiles.map((gpu) => block(dims, target, gpu))];
    },
    reference: scalar,
    flops: (dims) => elements(dims) * (2 * dimension(dims, 'K') + elementFlops),
    bytes: (dims) => {
      const factors = dimension(dims, 'K') * (dimension(dims, 'M') + dimension(dims, 'N'));
      return 4 * (factors + elements(dims) * (name === 'matmul_nn_gelu' ? 2 : 3));
    },
    cpu,
  };
}

/** c = a b (+ bias) and y = gelu(c). Dims M, K, N and the flag bias. */
export const matmulNnGelu: Kernel = fused({
  name: 'matmul_nn_gelu',
  layout: 'nn',
  inputs: [input('a_MK'), input('b_KN'), inputIf('bias', 'bias_N')],
  elementFlops: 12,
  cpu: matmulNnGeluTwin,
});

/** c = a bᵀ and y = silu(gate) c. Dims M, K, N. */
export const matmulNtSwiglu: Kernel = fused({
  name: 'matmul_nt_swiglu',
  layout: 'nt',
  inputs: [input('a_MK'), input('b_NK'), input('gate_MN')],
  elementFlops: 6,
  cpu: matmulNtSwigluTwin,
});
