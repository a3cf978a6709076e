import type { AgentDevice } from '../../ledger/agents/agents.repository';
import { deviceKind } from '../profiling/device-kind';

export interface GangKernels {
  readonly gang: readonly AgentDevice[];
  /** Every agent that ever registered: what one of them found out holds for all devices of its kind. */
  readonly known: readonly AgentDevice[];
  /** The kernels that the run's attempt before this one avoided, whose bits this attempt continues. */
  readonly before?: readonly string[] | undefined;
}

/** The kernels for which a gang uses the naive variant, so that bits do not depend on a rank's device; sorted. */
export function kernelsToAvoid({ gang, known, before = [] }: GangKernels): string[] {
  const kinds = new Set(gang.map(deviceKind));
  const concerned = [...gang, ...known.filter((each) => kinds.has(deviceKind(each)))];
  return [...new Set([...before, ...concerned.flatMap(quarantinedOf)])].sort();
}

/** Agents of older versions do not report this. */
function quarantinedOf({ adapter }: AgentDevice): readonly string[] {
  return (adapter as { readonly quarantined?: readonly string[] }).quarantined ?? [];
}
