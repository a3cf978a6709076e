import type { AgentDevice } from '../../ledger/agents/agents.repository';
import { deviceKind } from '../profiling/device-kind';

export interface GangKernels {
  readonly gang: readonly AgentDevice[];
  /** Every agent that ever registered: what one found out holds for all devices of its kind. */
  readonly known: readonly AgentDevice[];
  /** Of the run's attempt before this one, whose bits this one goes on with. */
  readonly before?: readonly string[] | undefined;
}

/** The kernels that a gang runs by their naive variant, so that bits depend on no rank's device; sorted. */
export function kernelsToAvoid({ gang, known, before = [] }: GangKernels): string[] {
  const kinds = new Set(gang.map(deviceKind));
  const concerned = [...gang, ...known.filter((each) => kinds.has(deviceKind(each)))];
  return [...new Set([...before, ...concerned.flatMap(quarantinedOf)])].sort();
}

/** Agents of older versions do not say. */
function quarantinedOf({ adapter }: AgentDevice): readonly string[] {
  return (adapter as { readonly quarantined?: readonly string[] }).quarantined ?? [];
}
