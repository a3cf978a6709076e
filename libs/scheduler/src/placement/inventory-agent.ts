/** What the planner knows about one agent, which has one device. Times are in milliseconds since 1970. */
export interface InventoryAgent {
  readonly id: string;
  readonly host: string;
  /** Index of the device on its host; `host:device` names it in a run's include and exclude. */
  readonly device: number;
  /** Null when the driver does not tell. */
  readonly memoryBytes: number | null;
  /** The result of its start-up benchmark. */
  readonly matmulGflops: number;
  readonly connected: boolean;
  readonly draining: boolean;
  /** Why it gets no attempt for a while, as a clause after "it is set aside"; null if it may have one. */
  readonly setAside: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The features that its adapter offers, by their WebGPU names. */
  readonly features: readonly string[];
  /** The run whose attempt holds its lease; null when free. */
  readonly leasedBy: string | null;
  readonly leaseExpiresAt: number | null;
}

export function deviceName(agent: InventoryAgent): string {
  return `${agent.host}:${agent.device}`;
}

/** The one order in which devices are given out: host (code points), device, id. */
export function compareAgents(a: InventoryAgent, b: InventoryAgent): number {
  return compareText(a.host, b.host) || a.device - b.device || compareText(a.id, b.id);
}

/** Not localeCompare: the order must not depend on the machine's language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
