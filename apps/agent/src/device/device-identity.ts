import type { AdapterDescription } from '@millrace/runtime';
import { deviceWrong } from './device.errors';
import type { DeviceProof } from './device-proof';
import type { HostGpu } from './host-gpus';
import type { ChosenDevice } from './wanted-device';

/** Which physical GPU the agent has; `''` where nobody says. */
export type DeviceIdentity = Omit<DeviceProof, 'proof'> & { readonly proof: DeviceProof['proof'] | '' };

export interface IdentityFacts {
  readonly adapter: Pick<AdapterDescription, 'adapterClass' | 'description' | 'device'>;
  readonly gpus: readonly HostGpu[];
  readonly chosen: ChosenDevice;
  /** Whether the driver was told to offer the chosen GPU alone. */
  readonly selected: boolean;
  readonly proof: DeviceProof | undefined;
}

const UNKNOWN: DeviceIdentity = { uuid: '', pciAddress: '', proof: '' };

/** @throws AppError AGENT.DEVICE_WRONG when a GPU was named by what it is, and another one was opened */
export function deviceIdentity(facts: IdentityFacts): DeviceIdentity {
  const { adapter, chosen, gpus } = facts;
  const { gpu } = chosen;
  const identity = adapter.adapterClass === 'cpu' ? UNKNOWN : known(facts);
  const opened = gpus.find((each) => isSame(each, identity));
  if (chosen.exact && gpu !== undefined && opened !== gpu && (identity.proof !== '' || adapter.adapterClass === 'cpu'))
    throw deviceWrong(textOf(gpu), opened === undefined ? adapter.description || adapter.device : textOf(opened));
  return identity;
}

/** Whether the agent's number stands for another GPU than it has. */
export function isOther({ chosen: { gpu } }: IdentityFacts, identity: DeviceIdentity): boolean {
  return gpu !== undefined && identity.proof !== '' && !isSame(gpu, identity);
}

function known({ gpus, chosen, selected, proof }: IdentityFacts): DeviceIdentity {
  if (proof !== undefined) {
    // One of the two names follows from the other.
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
