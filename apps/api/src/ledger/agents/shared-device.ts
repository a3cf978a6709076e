/** What it takes to tell whether two agents have the same GPU. */
export interface DeviceOwner {
  readonly id: string;
  readonly host: string;
  readonly connected: boolean;
  readonly adapter: unknown;
}

/**
 * Connected agents other than `agent` on the very same GPU: by its UUID, which is unique in the world, else by its PCI
 * address on the same host. Agents in containers may call one machine by different names.
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

/** Agents of older versions do not say, and a software driver's device has none. */
function namesOf(adapter: unknown): { readonly uuid: string; readonly pciAddress: string } {
  const { uuid = '', pciAddress = '' } = adapter as { readonly uuid?: string; readonly pciAddress?: string };
  return { uuid, pciAddress };
}
