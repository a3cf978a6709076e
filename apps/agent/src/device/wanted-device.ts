import { gpuText, type HostGpu } from './host-gpus';
import { deviceUnknown } from './device.errors';

export interface ChosenDevice {
  /** The number that identifies the agent on its host. */
  readonly index: number;
  /** Undefined if the choice is left to the driver. */
  readonly gpu: HostGpu | undefined;
  /** A UUID or PCI address named the GPU, so that no other one will do. */
  readonly exact: boolean;
}

/**
 * Finds the GPU that is wanted. A number without a GPU is only the agent's number: several agents may share a GPU, or a
 * scheduler may have hidden the others. @throws AppError AGENT.DEVICE_UNKNOWN for a UUID or PCI address that no GPU has
 */
export function chosenDevice(wanted: string, gpus: readonly HostGpu[]): ChosenDevice {
  if (/^\d+$/.test(wanted)) return { index: Number(wanted), gpu: gpus[Number(wanted)], exact: false };
  const index = gpus.findIndex((gpu) => isCalled(gpu, wanted));
  if (index === -1) throw deviceUnknown(wanted, gpus.map(gpuText));
  return { index, gpu: gpus[index], exact: true };
}

function isCalled({ uuid, pciAddress }: HostGpu, wanted: string): boolean {
  const name = wanted.toLowerCase();
  return (
    uuid?.toLowerCase() === name ||
    pciAddress === name.replace(/^[0-9a-f]{4}(?=[0-9a-f]{4}:)/, '') ||
    pciAddress === `0000:${name}`
  );
}
