/** What is needed to tell whether two agents have the same GPU. */
export interface DeviceOwner {
  readonly id: string;
  readonly host: string;
  readonly connected: boolean;
  readonly adapter: unknown;
}

/**
 * Connected agents other than `agent` on the very same GPU. It is recognised by its UUID, which is unique in the world,
 * or else by its PCI address on the same host. Agents in containers may have different names for one machine.
 */
export function sharersOf(agent: Pick<DeviceOwner, 'id' | 'host' | 'adapter'>, all: readonly DeviceOwner[]): string[] {
  const own = namesOf(agent.adapter);
  return all
    .filter(({ id, connected }) => connected && id !== agent.id)
    .filter(({ host, adapter }) => {
      const other = namesOf(adapter);
      if (own.uuid !== '' && other.uuid !== '') return own.uuid === other.uuid;
      return own.pciAddress !== '' && own.pciAddress === other.pciAddress && host === agent.host;
    })
    .map(({ id }) => id)
    .sort();
}

/** Agents of older versions do not tell them, and the device of a software driver has neither. */
function namesOf(adapter: unknown): { readonly uuid: string; readonly pciAddress: string } {
  const { uuid = '', pciAddress = '' } = adapter as { readonly uuid?: string; readonly pciAddress?: string };
  return { uuid, pciAddress };
}
