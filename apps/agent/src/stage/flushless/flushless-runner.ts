import { assert } from '@millrace/core';
import { type Action, formatAction } from '@millrace/pipeline';
import type { TensorDeclaration } from '@millrace/kernels';
import type { HostArray } from '@millrace/runtime';
import type { ChunkMemory } from '../chunk-memory';
import type { StagePlan } from '../stage-plan';
import type { DataSource } from '../stage-ports';
import type { Address, PendingTensor, TensorExchange } from '../exchange/tensor-exchange';
import type { WorkTimeline } from '../work-timeline';
import type { VersionedPrograms } from './versioned-programs';

export interface FlushlessRunnerOptions {
  readonly plan: StagePlan;
  readonly chunk: ChunkMemory;
  readonly programs: VersionedPrograms;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  /** The first and the last stage have one. */
  readonly data: DataSource | undefined;
}

/** Enough that the device never waits for the host, little enough to bound what the driver queues. */
const UNFINISHED_ACTIONS_MAX = 48;

/**
 * Executes the actions of a run without a flush, all but STEP, each with the weight version of its micro-batch. As in a
 * step that flushes, nothing but a missing tensor holds the rank up.
 */
export class FlushlessRunner {
  private readonly asked = new Map<string, PendingTensor>();

  constructor(private readonly options: FlushlessRunnerOptions) {}

  execute(action: Action): Promise<void> | void {
    const { rank } = this.options.plan;
    switch (action.kind) {
      case 'RECV_F':
        return this.ask(action, rank - 1);
      case 'RECV_B':
        return this.ask(action, rank + 1);
      case 'SEND_F':
        return this.send(action, rank + 1);
      case 'SEND_B':
        return this.send(action, rank - 1);
      case 'F':
        return this.forward(action);
      case 'I':
        return this.backwardInput(action);
      case 'W':
        return this.backwardWeight(action);
      case 'B':
      case 'LOCAL_F':
      case 'LOCAL_B':
      case 'REDUCE':
      case 'STEP':
        return assert(false, `${formatAction(action)} is not for a runner of one stage that does not flush`);
      default:
        return action.kind satisfies never;
    }
  }

  private ask(action: Action, fromRank: number): void {
    this.asked.set(formatAction(action), this.options.exchange.ask(fromRank, this.address(action)));
  }

  private send(action: Action, toRank: number): void {
    const { chunk, exchange } = this.options;
    const { output, inputGradient } = chunk.programs;
    const tensor = chunk.slotTensor(action.microBatch, action.kind === 'SEND_F' ? output : inputGradient);
    exchange.send(toRank, tensor, this.address(action));
  }

  private async forward(action: Action): Promise<void> {
    const { chunk, data, plan } = this.options;
    const { tokens, targets, input } = chunk.programs;
    if (tokens === undefined) await this.take(action, 'RECV_F', input);
    if (data !== undefined && (tokens ?? targets) !== undefined) {
      const batch = data.train(stepOf(plan, action), action.microBatch % plan.microBatchCount);
      const write = (declaration: TensorDeclaration, values: HostArray): void =>
        chunk.backend.write(chunk.slotTensor(action.microBatch, declaration), values);
      if (tokens !== undefined) write(tokens, batch.inputs);
      if (targets !== undefined) write(targets, batch.targets);
    }
    await this.compute(action, 'F');
  }

  private async backwardInput(action: Action): Promise<void> {
    const { outputGradient } = this.options.chunk.programs;
    if (outputGradient !== undefined) await this.take(action, 'RECV_B', outputGradient);
    await this.compute(action, 'I');
  }

  private async backwardWeight(action: Action): Promise<void> {
    const { chunk, plan } = this.options;
    if (action.microBatch % plan.microBatchCount === 0) chunk.backend.run(chunk.program('clear-gradients'));
    await this.compute(action, 'W');
  }

  private async compute(action: Action, kind: 'F' | 'I' | 'W'): Promise<void> {
    const { chunk, programs, timeline } = this.options;
    const { backend } = chunk;
    backend.run(await programs.of(kind, action.microBatch));
    timeline.enqueue(`${action.stage}${kind}`, formatAction(action), 'compute');
    backend.flush();
    if (timeline.pendingCount < UNFINISHED_ACTIONS_MAX) return;
    const done = timeline.mark();
    await backend.finish(timeline.delayMs());
    done();
  }

  private async take(action: Action, kind: 'RECV_F' | 'RECV_B', declaration: TensorDeclaration): Promise<void> {
    const { chunk, exchange } = this.options;
    const text = formatAction({ ...action, kind });
    const pending = this.asked.get(text);
    assert(pending !== undefined, `${formatAction(action)} comes before ${text}`);
    this.asked.delete(text);
    await exchange.take(pending, text, chunk.slotTensor(action.microBatch, declaration));
  }

  /** Frames are told apart by step and by the micro-batch in it, as those of a schedule that flushes. */
  private address(action: Action): Address {
    const { plan } = this.options;
    const forward = action.kind === 'SEND_F' || action.kind === 'RECV_F';
    const microBatch = action.microBatch % plan.microBatchCount;
    return { edge: forward ? 'activation' : 'gradient', step: stepOf(plan, action), microBatch, chunk: 0 };
  }
}

/** The step, from 1, whose update a micro-batch belongs to. */
export function stepOf({ microBatchCount }: StagePlan, { microBatch }: Action): number {
  return Math.floor(microBatch / microBatchCount) + 1;
}
