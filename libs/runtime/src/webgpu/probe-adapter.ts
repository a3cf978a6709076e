import type { AdapterDescription } from '../adapter-description';
import { noAdapterError } from '../runtime.errors';
import { describeAdapter } from './describe-adapter';

/** A product of small matrices that the units of an adapter compute: c[M,N] = a[M,K] b[K,N]. */
export interface SubgroupMatrixConfig {
  /** Of a and b, as Dawn names types: 'f16', 'f32', 'u8' and so on. */
  readonly componentType: string;
  /** Of c. */
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

export interface ProbedAdapter {
  readonly adapter: AdapterDescription;
  readonly subgroupMatrixConfigs: readonly SubgroupMatrixConfig[];
}

/** What the package's types do not know yet. */
type ProbedInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: readonly SubgroupMatrixConfig[] };

/** Dawn tells of matrix units, and on NVIDIA's driver of f16, with these toggles alone. */
const TOGGLES = 'allow_unsafe_apis,vulkan_enable_f16_on_nvidia';

/**
 * Tells what the first adapter has, with all that Dawn holds back by default: no device is opened. Throws
 * RUNTIME.NO_ADAPTER when there is none.
 */
export async function probeAdapter(): Promise<ProbedAdapter> {
  const { create } = await import('webgpu');
  const adapter = await create([`enable-dawn-features=${TOGGLES}`]).requestAdapter();
  if (adapter === null) throw noAdapterError(undefined);
  const { subgroupMatrixConfigs = [] }: ProbedInfo = adapter.info;
  return {
    adapter: describeAdapter(adapter),
    subgroupMatrixConfigs: subgroupMatrixConfigs.map(({ componentType, resultComponentType, M, N, K }) => {
      return { componentType, resultComponentType, M, N, K };
    }),
  };
}
