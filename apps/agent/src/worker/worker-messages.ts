import type { LayerTimes, StartPhase } from '@millrace/contracts';
import type { ErrorKind } from '@millrace/core';
import type { AdapterDescription, MeasuredChoice } from '@millrace/runtime';
import type { TensorFrame } from '../data-plane/frame';
import type {
  BoundaryWishes,
  MetricValue,
  SnapshotPiece,
  StoredStep,
  StepTrace,
  WaitReport,
  WeightKind,
} from '../stage/stage-ports';
import type { DeviceReport } from './gpu-task';

/** An error that travels between threads, for which its class cannot be copied. */
export interface ThreadError {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A GPU thread says at least so often that it is alive, whatever it waits for. */
export const PULSE_INTERVAL_MS = 5_000;
export interface Pulse {
  readonly type: 'pulse';
}

/** From a GPU thread to the thread of the sockets. Each message with a `callId` is answered by one `reply`. */
export type FromWorker =
  | { readonly type: 'described'; readonly adapter: AdapterDescription }
  | { readonly type: 'probed'; readonly report: DeviceReport }
  | { readonly type: 'phase'; readonly phase: StartPhase }
  | { readonly type: 'ready' }
  | { readonly type: 'step'; readonly step: number }
  | { readonly type: 'send'; readonly callId: number; readonly toRank: number; readonly frame: TensorFrame }
  | { readonly type: 'taken'; readonly fromRank: number; readonly creditBytes: number }
  /** Of a frame that was taken and is used up. */
  | { readonly type: 'memory'; readonly buffer: ArrayBuffer }
  | { readonly type: 'read-weight'; readonly callId: number; readonly name: string; readonly kind: WeightKind }
  | { readonly type: 'metrics'; readonly callId: number; readonly points: readonly MetricValue[] }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly text: string }
  | { readonly type: 'trace'; readonly step: number; readonly trace: StepTrace }
  | { readonly type: 'waiting'; readonly report: WaitReport }
  /** Answered when there is room for the next one. */
  | {
      readonly type: 'snapshot-piece';
      readonly callId: number;
      readonly step: number;
      readonly piece: SnapshotPiece;
    }
  | { readonly type: 'snapshot-end'; readonly callId: number; readonly stored: StoredStep }
  | { readonly type: 'finished'; readonly state: 'finished' | 'paused'; readonly step: number }
  | { readonly type: 'tokens'; readonly tokens: readonly number[]; readonly done: boolean }
  /** A generation asks for the device, which is answered with how long it may use it, and gives it back. */
  | { readonly type: 'take-turn'; readonly callId: number }
  | { readonly type: 'turn-over' }
  /** An attempt lends its device, between two steps, to a generation that asked for it. */
  | { readonly type: 'turn-given'; readonly turnId: number; readonly sliceMs: number }
  | { readonly type: 'profiled'; readonly layers: LayerTimes }
  /** Variants that were tried while an attempt began. */
  | { readonly type: 'tuned'; readonly choices: readonly MeasuredChoice[] }
  | { readonly type: 'failed'; readonly error: ThreadError };

/** From the thread of the sockets to a GPU thread. */
export type ToWorker =
  | { readonly type: 'frame'; readonly frame: TensorFrame; readonly creditBytes: number }
  | { readonly type: 'reply'; readonly callId: number; readonly value?: unknown; readonly error?: ThreadError }
  | { readonly type: 'boundary'; readonly wishes: BoundaryWishes }
  | { readonly type: 'transport-failed'; readonly error: ThreadError }
  /** To an attempt: a generation asks for its device, and gives it back. */
  | { readonly type: 'turn'; readonly turnId: number }
  | { readonly type: 'turn-over'; readonly turnId: number }
  | { readonly type: 'stop' };
