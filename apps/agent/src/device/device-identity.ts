import type { AdapterDescription } from '@millrace/runtime';
import { deviceWrong } from './device.errors';
import type { DeviceProof } from './device-proof';
import type { HostGpu } from './host-gpus';
import type { ChosenDevice } from './wanted-device';

/** Which physical GPU the agent has; `proof` is `''` where nothing tells. */
export type DeviceIdentity = Omit<DeviceProof, 'proof'> & { readonly proof: DeviceProof['proof'] | '' };

export interface IdentityFacts {
  readonly adapter: Pick<AdapterDescription, 'adapterClass' | 'description' | 'device'>;
  readonly gpus: readonly HostGpu[];
  readonly chosen: ChosenDevice;
  /** Whether the driver was told to offer only the chosen GPU. */
  readonly selected: boolean;
  readonly proof: DeviceProof | undefined;
}

const UNKNOWN: DeviceIdentity = { uuid: '', pciAddress: '', proof: '' };

/** @throws AppError AGENT.DEVICE_WRONG if a UUID or PCI address named the GPU and the driver opened another one */
export function deviceIdentity(facts: IdentityFacts): DeviceIdentity {
  const { adapter, chosen, gpus } = facts;
  const { gpu } = chosen;
  const identity = adapter.adapterClass === 'cpu' ? UNKNOWN : known(facts);
  const opened = gpus.find((each) => isSame(each, identity));
  if (chosen.exact && gpu !== undefined && opened !== gpu && (identity.proof !== '' || adapter.adapterClass === 'cpu'))
    throw deviceWrong(textOf(gpu), opened === undefined ? adapter.description || adapter.device : textOf(opened));
  return identity;
}

/** Whether the agent's number stands for another GPU than the one that was opened. */
export function isOther({ chosen: { gpu } }: IdentityFacts, identity: DeviceIdentity): boolean {
  return gpu !== undefined && identity.proof !== '' && !isSame(gpu, identity);
}

function known({ gpus, chosen, selected, proof }: IdentityFacts): DeviceIdentity {
  if (proof !== undefined) {
    // A list entry has both UUID and PCI address, so that one of the two is enough to find it.
    const found = gpus.find((gpu) => isSame(gpu, proof));
    return {
      ...proof,
      uuid: proof.uuid || (found?.uuid ?? ''),
      pciAddress: proof.pciAddress || (found?.pciAddress ?? ''),
    };
  }
  const [only, ...others] = gpus;
  if (only !== undefined && others.length === 0) return { ...names(only), proof: 'only' };
  return selected && chosen.gpu !== undefined ? { ...names(chosen.gpu), proof: 'setting' } : UNKNOWN;
}

function names({ uuid = '', pciAddress }: HostGpu): Omit<DeviceProof, 'proof'> {
  return { uuid, pciAddress };
}

function isSame(gpu: HostGpu, { uuid, pciAddress }: Omit<DeviceProof, 'proof'>): boolean {
  return (uuid !== '' && gpu.uuid === uuid) || (pciAddress !== '' && gpu.pciAddress === pciAddress);
}

const textOf = ({ name, uuid, pciAddress }: HostGpu): string => `${name} (${uuid ?? pciAddress})`;
