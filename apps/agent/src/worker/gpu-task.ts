import type { AttemptPlan, GeneratePlan, LayerWork } from '@millrace/contracts';
import type { AdapterDescription, BackendSpeed } from '@millrace/runtime';

/** A fault for tests: what happens to the device of rank 1 when the attempt with this fence begins this step. */
export interface InjectedFault {
  /** `hang` hangs in native code, which only the end of the process ends. */
  readonly kind: 'lose' | 'hang';
  readonly fence: number;
  readonly step: number;
}

/** Which adapter a GPU thread opens, and which kernels its driver gets wrong by the self-test. */
export interface DeviceChoice {
  readonly adapterName?: string;
  readonly quarantined: readonly string[];
  /** The measured speed, by which the device's work is cut into submissions; absent until it has been measured. */
  readonly speed?: BackendSpeed;
  /** See DeviceConfig. */
  readonly pacedGflops?: number;
  /** See MILLRACE_FAULTS. */
  readonly faults?: readonly InjectedFault[];
}

/** The purpose that a GPU thread is started for. */
export type GpuTask =
  /** Opens the device and tells which one it is. */
  | { readonly kind: 'describe'; readonly device: DeviceChoice }
  /** Tests and measures the device too. */
  | { readonly kind: 'probe'; readonly device: DeviceChoice; readonly known?: DeviceReport }
  | {
      readonly kind: 'attempt';
      readonly device: DeviceChoice;
      readonly plan: AttemptPlan;
      readonly tokenFile: string | undefined;
    }
  | { readonly kind: 'generate'; readonly device: DeviceChoice; readonly plan: GeneratePlan }
  | { readonly kind: 'profile'; readonly device: DeviceChoice; readonly work: LayerWork };

/** What a probe finds out about its device. */
export interface DeviceReport {
  readonly adapter: AdapterDescription;
  readonly speed: BackendSpeed;
  /** Kernels whose chosen variant failed the self-test. */
  readonly quarantined: readonly string[];
}

/** While adapter, driver and build stay the same, the measurements of an earlier start hold. */
export function deviceKey(adapter: AdapterDescription, version: string): string {
  return [version, adapter.vendor, adapter.architecture, adapter.device, adapter.description, adapter.driver].join('|');
}
