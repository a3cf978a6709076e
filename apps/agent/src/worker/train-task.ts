import type { AttemptPlan, StartPhase } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { TokenStore } from '@millrace/data';
import type { Backend, HostArray } from '@millrace/runtime';
import { StageExecutor } from '../stage/stage-executor';
import { dataSource, type StagePlan, stagePlan } from '../stage/stage-plan';
import type {
  BoundaryRequests,
  BoundaryWishes,
  CheckpointSink,
  StageReporter,
  WeightSource,
} from '../stage/stage-ports';
import { StartTuning, type Tune } from '../profile/start-tuning';
import type { DeviceTurns } from '../generate/device-turns';
import type { WorkerPort } from './worker-port';

/** What rank 0 was asked to do since its last boundary. */
export class PendingBoundary implements BoundaryRequests {
  private checkpoint = false;
  private stop = false;
  private stopAtCheckpoint = false;

  ask({ checkpoint, stop, stopAtCheckpoint }: BoundaryWishes): void {
    this.checkpoint ||= checkpoint;
    this.stop ||= stop;
    this.stopAtCheckpoint ||= stopAtCheckpoint;
  }

  take(checkpointDue = false): { checkpoint: boolean; stop: boolean } {
    const atCheckpoint = this.stopAtCheckpoint && (this.checkpoint || checkpointDue);
    const taken = { checkpoint: this.checkpoint, stop: this.stop || atCheckpoint };
    this.checkpoint = false;
    this.stop = false;
    return taken;
  }
}

export interface TrainTaskOptions {
  readonly plan: AttemptPlan;
  /** Only the first and the last stage have one. */
  readonly tokenFile: string | undefined;
  readonly backend: Backend;
  readonly port: WorkerPort;
  readonly requests: BoundaryRequests;
  readonly turns: DeviceTurns;
  /** Absent where the device has nothing to be tuned. */
  readonly tune?: Tune | undefined;
  readonly clock: Clock;
}

/** Executes one attempt on this thread, from loading to its last checkpoint. Rejects with what else ended it. */
export async function trainTask(options: TrainTaskOptions): Promise<void> {
  const { plan, tokenFile, backend, port, requests, turns, clock } = options;
  const stage = stagePlan(plan);
  const tuning = startTuning(options, stage);
  const store = tokenFile === undefined ? undefined : TokenStore.open(tokenFile, { dtype: plan.dataset.dtype });
  try {
    store?.checkVocab(plan.model.vocab);
    const executor = await StageExecutor.prepare({
      plan: stage,
      data: store === undefined ? undefined : dataSource(plan, store),
      backend,
      transport: port,
      weights: weightSource(port),
      checkpoints: checkpointSink(port),
      reporter: reporter(port, (phase) => tuning?.enter(phase)),
      requests,
      betweenSteps: () => turns.pause(),
      clock,
    });
    await tuning?.done();
    port.post({ type: 'ready' });
    const outcome = await executor.run();
    port.post({ type: 'finished', ...outcome });
  } finally {
    tuning?.stop();
    store?.close();
  }
}

function startTuning({ tune, port }: TrainTaskOptions, plan: StagePlan): StartTuning | undefined {
  if (tune === undefined) return undefined;
  return new StartTuning({
    plan,
    tune,
    onChosen: (choices) => port.post({ type: 'tuned', choices }),
    onFailed: (text) => port.post({ type: 'log', level: 'warn', text }),
  });
}

export function weightSource(port: WorkerPort): WeightSource {
  return {
    read: async (name, kind) => (await port.call({ type: 'read-weight', name, kind })) as HostArray | undefined,
  };
}

function checkpointSink(port: WorkerPort): CheckpointSink {
  return {
    store: async (stored, pieces) => {
      for await (const piece of pieces) {
        // Blocks are f32: a CPU twin's doubles are rounded here.
        const data = piece.data instanceof Float64Array ? Float32Array.from(piece.data) : piece.data;
        await port.call({ type: 'snapshot-piece', step: stored.step, piece: { ...piece, data } }, [
          data.buffer as ArrayBuffer,
        ]);
      }
      await port.call({ type: 'snapshot-end', stored });
    },
  };
}

function reporter(port: WorkerPort, onPhase: (phase: StartPhase) => void): StageReporter {
  return {
    phase: (phase) => {
      port.post({ type: 'phase', phase });
      onPhase(phase);
    },
    step: (step) => port.post({ type: 'step', step }),
    metrics: async (points) => void (await port.call({ type: 'metrics', points })),
    log: (level, text) => port.post({ type: 'log', level, text }),
    trace: (step, trace) => port.post({ type: 'trace', step, trace }),
    waiting: (report) => port.post({ type: 'waiting', report }),
  };
}
