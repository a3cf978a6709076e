import { assert } from '@millrace/core';
import { sampleNumber } from '@millrace/data';
import type { TensorDeclaration } from '@millrace/kernels';
import { sequenceWords } from '@millrace/model';
import { type Action, formatAction } from '@millrace/pipeline';
import { type BoundProgram, CompletionWindow, type DeviceTensor, type HostArray } from '@millrace/runtime';
import type { ChunkMemory } from './chunk-memory';
import type { PendingTensor } from './exchange/patient-wait';
import type { Address, TensorExchange } from './exchange/tensor-exchange';
import type { StageMemory } from './stage-memory';
import { placeOf, type StagePlan } from './stage-plan';
import type { DataSource } from './stage-ports';
import type { WorkTimeline } from './work-timeline';

export type ComputeKind = 'F' | 'I' | 'W';

/** What differs between a step that ends with a flush and a run whose schedule never flushes. */
export interface ActionRules {
  /** The step whose update a micro-batch belongs to, and which of that step's micro-batches it is. */
  place(microBatch: number): Pick<Address, 'step' | 'microBatch'>;
  program(chunk: ChunkMemory, kind: ComputeKind, microBatch: number): Promise<BoundProgram> | BoundProgram;
  /** Whether this I or W is the first one of its stage's update, so that gradients add up from zero. */
  beginsUpdate(action: Action): boolean;
}

export interface ActionRunnerOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  /** Only the first and the last stage read data. */
  readonly data: DataSource | undefined;
}

/** So many actions keep the device from waiting for the host, and bound what the driver queues. */
const UNFINISHED_ACTIONS_MAX = 48;

/**
 * Executes this rank's actions, all but REDUCE and STEP, one after the other:
 *
 *   RECV asks for a tensor; F, I and W wait for the tensors they need, write them to the device and enqueue a program;
 *   SEND enqueues a copy to the host, LOCAL a copy to the neighbouring chunk of the same rank.
 *
 * A missing tensor makes the rank wait, and so does its own device that is far behind: tensors travel and the device
 * computes while the host goes on.
 */
export class ActionRunner {
  private readonly asked = new Map<string, PendingTensor>();
  private readonly unfinished = new CompletionWindow(UNFINISHED_ACTIONS_MAX);

  constructor(
    private readonly options: ActionRunnerOptions,
    private readonly rules: ActionRules,
  ) {}

  execute(action: Action): Promise<void> | void {
    switch (action.kind) {
      case 'RECV_F':
      case 'RECV_B':
        return this.ask(action);
      case 'SEND_F':
        return this.send(action, action.stage + 1);
      case 'SEND_B':
        return this.send(action, action.stage - 1);
      case 'LOCAL_F':
        return this.handOver(action, action.stage + 1);
      case 'LOCAL_B':
        return this.handOver(action, action.stage - 1);
      case 'F':
        return this.forward(action);
      case 'I':
        return this.backwardInput(action);
      case 'W':
        return this.backwardWeight(action);
      case 'B':
      case 'REDUCE':
      case 'STEP':
        return assert(false, `${formatAction(action)} is not for an action runner: lowered schedules have I and W`);
      default:
        return action.kind satisfies never;
    }
  }

  /** Executes a RECV. A tensor that was asked for already is not asked for again. */
  ask(action: Action): void {
    const { exchange, plan } = this.options;
    const text = formatAction(action);
    if (this.asked.has(text)) return;
    const { rank, chunk } = placeOf(plan, senderOf(action));
    this.asked.set(text, exchange.ask(rank, { ...this.address(action), chunk }));
  }

  /** Drops the requests for tensors that were not taken. */
  forget(): void {
    this.asked.clear();
  }

  private send(action: Action, toStage: number): Promise<void> {
    const { exchange, plan } = this.options;
    const { chunk } = placeOf(plan, action.stage);
    const tensor = this.leaving(action);
    return exchange.send(placeOf(plan, toStage).rank, tensor, { ...this.address(action), chunk });
  }

  private handOver(action: Action, toStage: number): void {
    const { memory } = this.options;
    const { programs } = memory.chunk(toStage);
    const entering = action.kind === 'LOCAL_F' ? programs.input : programs.outputGradient;
    const target = memory.chunk(toStage).slotTensor(action.microBatch, entering);
    memory.backend.copy(this.leaving(action), target);
  }

  private async forward(action: Action): Promise<void> {
    const { memory, data } = this.options;
    const chunk = memory.chunk(action.stage);
    const { tokens, targets, input, sequences } = chunk.programs;
    if (tokens === undefined) await this.take(action, 'RECV_F', input);
    const { step, microBatch } = this.rules.place(action.microBatch);
    const write = (declaration: TensorDeclaration, values: HostArray): void =>
      memory.backend.write(chunk.slotTensor(action.microBatch, declaration), values);
    if (sequences !== undefined) write(sequences, this.sequenceWords(step, microBatch));
    if (data !== undefined && (tokens ?? targets) !== undefined) {
      const batch = data.train(step, microBatch);
      if (tokens !== undefined) write(tokens, batch.inputs);
      if (targets !== undefined) write(targets, batch.targets);
    }
    await this.compute(action, 'F');
  }

  /** What the dropout of a micro-batch is drawn for. I and W find it where F does. */
  private sequenceWords(step: number, microBatch: number): Uint32Array {
    const { seed, microBatch: count, samples } = this.options.plan;
    return sequenceWords({ seed, step, firstSample: sampleNumber(samples, step, microBatch * count), count });
  }

  private async backwardInput(action: Action): Promise<void> {
    const { outputGradient } = this.options.memory.chunk(action.stage).programs;
    if (outputGradient !== undefined) await this.take(action, 'RECV_B', outputGradient);
    this.clearGradients(action, 'I');
    await this.compute(action, 'I');
  }

  private async backwardWeight(action: Action): Promise<void> {
    this.clearGradients(action, 'W');
    await this.compute(action, 'W');
  }

  /** Gradients add up from zero in each update: a fused backward begins to add with its I, any other with its W. */
  private clearGradients(action: Action, kind: 'I' | 'W'): void {
    const chunk = this.options.memory.chunk(action.stage);
    const begins = kind === (chunk.programs.isFused ? 'I' : 'W');
    if (begins && this.rules.beginsUpdate(action)) chunk.backend.run(chunk.program('clear-gradients'));
  }

  private async compute(action: Action, kind: ComputeKind): Promise<void> {
    const { memory, timeline } = this.options;
    const program = await this.rules.program(memory.chunk(action.stage), kind, action.microBatch);
    // The span begins before `run`, because the CPU twins have finished computing when `run` returns.
    timeline.enqueue(`${action.stage}${kind}`, formatAction(action));
    memory.backend.run(program);
    memory.backend.flush();
    await this.unfinished.enqueued(1, () => {
      const done = timeline.mark();
      return memory.backend.finish(timeline.delayMs()).then(done);
    });
  }

  /** Takes the tensor that another rank sends. A neighbouring chunk of this rank has handed its tensor over already. */
  private async take(action: Action, kind: 'RECV_F' | 'RECV_B', declaration: TensorDeclaration): Promise<void> {
    const { memory, exchange, plan } = this.options;
    const receive: Action = { ...action, kind };
    if (placeOf(plan, senderOf(receive)).rank === plan.rank) return;
    const text = formatAction(receive);
    const pending = this.asked.get(text);
    assert(pending !== undefined, `${formatAction(action)} comes before ${text}`);
    this.asked.delete(text);
    await exchange.take(pending, text, memory.chunk(action.stage).slotTensor(action.microBatch, declaration));
  }

  /** The tensor that a SEND or LOCAL takes out of its stage. */
  private leaving({ kind, stage, microBatch }: Action): DeviceTensor {
    const chunk = this.options.memory.chunk(stage);
    const forward = kind === 'SEND_F' || kind === 'LOCAL_F';
    return chunk.slotTensor(microBatch, forward ? chunk.programs.output : chunk.programs.inputGradient);
  }

  private address({ kind, microBatch }: Action): Omit<Address, 'chunk'> {
    const forward = kind === 'SEND_F' || kind === 'RECV_F';
    return { edge: forward ? 'activation' : 'gradient', ...this.rules.place(microBatch) };
  }
}

/** The stage whose tensor a RECV waits for. */
export function senderOf({ kind, stage }: Action): number {
  return kind === 'RECV_F' ? stage - 1 : stage + 1;
}

/** The chunk's own program, which is bound to its newest weights. */
export function ownProgram(chunk: ChunkMemory, kind: ComputeKind, microBatch: number): BoundProgram {
  if (kind === 'F') return chunk.forward(microBatch);
  const { backwardInput, backwardWeight } = chunk.slot(microBatch);
  return kind === 'I' ? backwardInput : backwardWeight;
}
