import { assert, type Clock, systemClock } from '@millrace/core';
import type { AttemptPlan } from '@millrace/contracts';
import type { UpdateCounters } from '@millrace/model';
import type { SnapshotWindow } from '@millrace/pipeline';
import type { Backend, HostArray } from '@millrace/runtime';
import type { StageTransport } from '../src/data-plane/stage-transport';
import type { StageOutcome } from '../src/stage/ready-stage';
import { StageExecutor } from '../src/stage/stage-executor';
import { dataSource, readsTokens, stagePlan } from '../src/stage/stage-plan';
import type {
  CheckpointSink,
  DataSource,
  StageReporter,
  StepTrace,
  WaitReport,
  WeightSource,
} from '../src/stage/stage-ports';
import { patternTokens } from './attempt-plans';

export interface Trace extends StepTrace {
  readonly rank: number;
  readonly step: number;
}

/** What ranks that trained in one process did. */
export interface Trained {
  readonly outcomes: readonly StageOutcome[];
  /** Steps of each rank whose optimistic update was undone. */
  readonly rolledBack: readonly number[];
  /** By name, by step. */
  readonly metrics: Map<string, Map<number, number>>;
  /** By step, then `kind name`. */
  readonly checkpoints: Map<number, Map<string, HostArray>>;
  /** By step, what each rank's part of a checkpoint says. */
  readonly counters: Map<number, UpdateCounters[]>;
  readonly log: string[];
  readonly traces: Trace[];
  readonly waits: (WaitReport & { readonly rank: number })[];
}

export interface TrainOptions {
  readonly openBackend: (rank: number) => Promise<Backend> | Backend;
  readonly transport: (rank: number) => StageTransport;
  /** Weights and optimizer to go on with: a checkpoint of an earlier `Trained`. */
  readonly from?: ReadonlyMap<string, HostArray>;
  readonly requests?: { take(): { checkpoint: boolean; stop: boolean } };
  readonly onMetrics?: (step: number) => void;
  /** What the data of `plan` becomes. */
  readonly mapData?: (data: DataSource) => DataSource;
  readonly storeDelay?: () => Promise<void>;
  /** Called with each piece of a checkpoint. */
  readonly takePiece?: () => Promise<void>;
  readonly snapshotWindow?: SnapshotWindow;
  readonly clock?: Clock;
  /** Called when a rank ends, with what it ended if that was no end of the run. */
  readonly onEnd?: (rank: number, error: unknown) => void;
}

/** Every rank of `plan` at once, in this process. */
export async function trainRanks(plan: AttemptPlan, options: TrainOptions): Promise<Trained> {
  const trained: Trained = {
    outcomes: [],
    rolledBack: [],
    metrics: new Map(),
    checkpoints: new Map(),
    counters: new Map(),
    log: [],
    traces: [],
    waits: [],
  };
  const reporterOf = (rank: number): StageReporter => collectingReporter(trained, options, rank);
  const checkpoints = collectingSink(trained, options);
  const weights: WeightSource = { read: (name, kind) => Promise.resolve(options.from?.get(`${kind} ${name}`)) };
  const mapData = options.mapData ?? ((data: DataSource) => data);
  const ends = await Promise.all(
    plan.peers.map(async ({ rank }) => {
      const trainOne = async (): Promise<{ outcome: StageOutcome; rolledBack: number }> => {
        const backend = await options.openBackend(rank);
        const own = stagePlan({ ...plan, rank });
        const executor = await StageExecutor.prepare({
          plan: own,
          backend,
          transport: options.transport(rank),
          weights,
          checkpoints,
          reporter: reporterOf(rank),
          data: readsTokens(own, rank) ? mapData(dataSource(plan, patternTokens)) : undefined,
          requests: options.requests ?? { take: () => ({ checkpoint: false, stop: false }) },
          clock: options.clock ?? systemClock,
          ...(options.snapshotWindow && { snapshotWindow: options.snapshotWindow }),
        });
        return {
          outcome: await executor.run(),
          rolledBack: executor.rolledBackCount,
        };
      };
      return trainOne().then(
        (end) => {
          options.onEnd?.(rank, undefined);
          return end;
        },
        (error: unknown) => {
          options.onEnd?.(rank, error);
          throw error;
        },
      );
    }),
  );
  return {
    ...trained,
    outcomes: ends.map(({ outcome }) => outcome),
    rolledBack: ends.map(({ rolledBack }) => rolledBack),
  };
}

function collectingReporter(trained: Trained, options: TrainOptions, rank: number): StageReporter {
  return {
    phase: () => undefined,
    step: () => undefined,
    metrics: (points) => {
      for (const { name, step, value } of points) {
        const series = trained.metrics.get(name) ?? new Map<number, number>();
        trained.metrics.set(name, series.set(step, value));
        options.onMetrics?.(step);
      }
      return Promise.resolve();
    },
    log: (level, text) => void trained.log.push(`${level} ${text}`),
    trace: (step, trace) => void trained.traces.push({ rank, step, ...trace }),
    waiting: (report) => void trained.waits.push({ ...report, rank }),
  };
}

function collectingSink(trained: Trained, options: TrainOptions): CheckpointSink {
  return {
    store: async ({ step, counters }, pieces) => {
      if (counters !== undefined) trained.counters.set(step, [...(trained.counters.get(step) ?? []), counters]);
      await options.storeDelay?.();
      const checkpoint = trained.checkpoints.get(step) ?? new Map<string, HostArray>();
      trained.checkpoints.set(step, checkpoint);
      for await (const { name, kind, shape, elementOffset, data } of pieces) {
        await options.takePiece?.();
        const key = `${kind} ${name}`;
        const before = checkpoint.get(key);
        assert((before?.length ?? 0) === elementOffset, `${key} goes on at ${elementOffset}`);
        checkpoint.set(key, before === undefined ? data : joined(before, data));
        const length = shape.reduce((product, size) => product * size, 1);
        assert(elementOffset + data.length <= length, `${key} is too long`);
      }
    },
  };
}

function joined(before: HostArray, data: HostArray): HostArray {
  const all = Float64Array.from([...before, ...data]);
  return data instanceof Float64Array ? all : Float32Array.from(all);
}
