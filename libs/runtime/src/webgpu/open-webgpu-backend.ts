import { type Clock, type Logger } from '@millrace/core';
import { noAdapterError } from '../runtime.errors';
import type { SubmissionOptions } from '../submission/submission-pace';
import { describeAdapter, wantedLimits } from './describe-adapter';
import { WebGpuBackend } from './webgpu-backend';

export interface WebGpuOptions {
  /** A part of the name of the adapter to open; by default the first adapter. */
  readonly adapterName?: string;
  readonly powerPreference?: 'low-power' | 'high-performance';
  readonly clock: Clock;
  readonly logger: Logger;
  /** Dawn's toggles to switch on; by default those that measurements chose (docs/decisions). */
  readonly toggles?: readonly string[];
  readonly submissions?: SubmissionOptions;
}

/** These features are used if the adapter has them. */
const WANTED_FEATURES = ['subgroups', 'shader-f16', 'timestamp-query'] as const;

/** See docs/decisions on Dawn toggles for what each was measured to be worth. */
export const DAWN_TOGGLES: readonly string[] = [];

function dawnFlags({ adapterName, toggles = DAWN_TOGGLES }: WebGpuOptions): string[] {
  const flags = adapterName === undefined ? [] : [`adapter=${adapterName}`];
  return toggles.length === 0 ? flags : [...flags, `enable-dawn-features=${toggles.join(',')}`];
}

async function requestAdapter(gpu: GPU, { adapterName, powerPreference }: WebGpuOptions): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
  } catch (error) {
    throw noAdapterError(adapterName, error);
  }
  if (adapter === null) throw noAdapterError(adapterName);
  return adapter;
}

/**
 * Opens a device with all limits and wanted features that its adapter has. Throws RUNTIME.NO_ADAPTER when there is
 * none. The Vulkan driver reads its variables (VK_ICD_FILENAMES, XDG_RUNTIME_DIR) when this is first called in a
 * process.
 */
export async function openWebGpuBackend(options: WebGpuOptions): Promise<WebGpuBackend> {
  // `webgpu` is an ES module. Nothing of it is put on globalThis: removing it there crashes Dawn at exit.
  const { create } = await import('webgpu');
  const gpu = create(dawnFlags(options));
  const adapter = await requestAdapter(gpu, options);
  const description = describeAdapter(adapter);
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: wantedLimits(adapter),
  });
  options.logger.info({ adapter: description.description, adapterClass: description.adapterClass }, 'device opened');
  const { clock, submissions = {} } = options;
  return new WebGpuBackend({ gpu, device, adapter: description, clock, submissions });
}
