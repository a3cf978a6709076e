import { AppError, assert } from '@millrace/core';
import { type Action, formatAction } from '@millrace/pipeline';
import type { TensorDeclaration } from '@millrace/kernels';
import type { BoundProgram, DeviceTensor, HostArray } from '@millrace/runtime';
import type { StageMemory } from '../stage-memory';
import { placeOf, type StagePlan } from '../stage-plan';
import type { DataSource } from '../stage-ports';
import type { Address, PendingTensor, TensorExchange } from '../exchange/tensor-exchange';
import type { StepTokens } from './step-tokens';
import type { WorkTimeline } from '../work-timeline';

export interface StepRunnerOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly tokens: StepTokens;
  /** The first and the last stage have one. */
  readonly data: DataSource | undefined;
}

/** Between a step that is updated and not committed, and the one that has begun on its weights. */
export interface StepGate {
  /** The step that has begun must be dropped. */
  readonly isShut: boolean;
  /** Resolves when the step before is committed and the weights are what they must be. */
  pass(): Promise<void>;
}

/** Enough that the device never waits for the host, little enough to bound what the driver queues. */
const UNFINISHED_ACTIONS_MAX = 48;

/**
 * Executes this rank's actions of one step up to REDUCE, in the order of the plan:
 *
 *   RECV asks; F, I and W wait for what they need, write it to the device and enqueue a program; SEND enqueues a copy
 *   to the host, LOCAL one to the neighbouring chunk of the same rank.
 *
 * Nothing but a missing tensor holds the rank up: sends travel, and the device computes, while the host goes on.
 */
export class StepRunner {
  private step = 0;
  private executed: Action[] = [];
  private readonly asked = new Map<string, PendingTensor>();
  /** Virtual stages whose gradients are of this step. */
  private readonly cleared = new Set<number>();

  constructor(private readonly options: StepRunnerOptions) {}

  /**
   * What was executed, for the check against the plan; undefined if `gate` shut: then nothing of it counts, and it may
   * be run again.
   */
  async run(step: number, gate?: StepGate): Promise<readonly Action[] | undefined> {
    this.step = step;
    this.executed = [];
    this.asked.clear();
    this.cleared.clear();
    this.options.tokens.begin(step);
    const { actions } = this.options.plan;
    // W clears the gradients, which a clipped update of the step before needs: it is committed first.
    const aheadCount = gate === undefined ? 0 : actions.findIndex(({ kind }) => kind === 'W');
    if (gate !== undefined) {
      await this.runAhead(actions.slice(0, aheadCount), gate);
      if (gate.isShut) return undefined;
    }
    for (const action of actions.slice(aheadCount)) {
      if (action.kind === 'REDUCE' || action.kind === 'STEP') break;
      await this.perform(action);
    }
    return this.executed;
  }

  private async runAhead(actions: readonly Action[], gate: StepGate): Promise<void> {
    if (!gate.isShut) this.askFirstRank();
    try {
      for (const action of actions) {
        if (gate.isShut) break;
        await this.perform(action);
      }
    } catch (error) {
      // It waited for a peer that has dropped the step already.
      if (!(error instanceof AppError && error.code === 'DATA_PLANE.FRAME_DROPPED')) throw error;
    }
    await gate.pass();
  }

  /**
   * Takes what rank 0 sends of this step as it comes, so that no frame of it without room holds back the commit that
   * follows it on the same link. They are few: rank 0 does not pass its own first W before that commit.
   */
  private askFirstRank(): void {
    const { plan } = this.options;
    for (const action of plan.actions) {
      const from = action.kind === 'RECV_F' ? action.stage - 1 : action.stage + 1;
      const receives = action.kind === 'RECV_F' || action.kind === 'RECV_B';
      if (receives && placeOf(plan, from).rank === 0) this.ask(action, from);
    }
  }

  private async perform(action: Action): Promise<void> {
    await this.execute(action);
    this.executed.push(action);
  }

  private execute(action: Action): Promise<void> | void {
    switch (action.kind) {
      case 'RECV_F':
        return this.ask(action, action.stage - 1);
      case 'RECV_B':
        return this.ask(action, action.stage + 1);
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
        return assert(false, `${formatAction(action)} is not for a step runner: lowered schedules have I and W`);
      default:
        return action.kind satisfies never;
    }
  }

  private ask(action: Action, fromStage: number): void {
    const { exchange, plan } = this.options;
    const { rank, chunk } = placeOf(plan, fromStage);
    if (this.asked.has(formatAction(action))) return;
    this.asked.set(formatAction(action), exchange.ask(rank, { ...this.address(action), chunk }));
  }

  private send(action: Action, toStage: number): void {
    const { exchange, plan } = this.options;
    const { chunk } = placeOf(plan, action.stage);
    const tensor = this.leaving(action);
    exchange.send(placeOf(plan, toStage).rank, tensor, { ...this.address(action), chunk });
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
    const { tokens, targets, input } = chunk.programs;
    if (tokens === undefined) await this.take(action, 'RECV_F', input);
    if (data !== undefined && (tokens ?? targets) !== undefined) {
      const batch = data.train(this.step, action.microBatch);
      const write = (declaration: TensorDeclaration, values: HostArray): void =>
        memory.backend.write(chunk.slotTensor(action.microBatch, declaration), values);
      if (tokens !== undefined) write(tokens, batch.inputs);
      if (targets !== undefined) write(targets, batch.targets);
    }
    await this.compute(action, chunk.forward(action.microBatch));
  }

  private async backwardInput(action: Action): Promise<void> {
    const chunk = this.options.memory.chunk(action.stage);
    const { outputGradient } = chunk.programs;
    if (outputGradient !== undefined) await this.take(action, 'RECV_B', outputGradient);
    await this.compute(action, chunk.slot(action.microBatch).backwardInput);
  }

  private async backwardWeight(action: Action): Promise<void> {
    const chunk = this.options.memory.chunk(action.stage);
    if (!this.cleared.has(action.stage)) chunk.backend.run(chunk.program('clear-gradients'));
    this.cleared.add(action.stage);
    await this.compute(action, chunk.slot(action.microBatch).backwardWeight);
  }

  private async compute(action: Action, program: BoundProgram): Promise<void> {
    const { memory, timeline } = this.options;
    // First, for the twins: they have computed when `run` returns.
    timeline.enqueue(`${action.stage}${action.kind}`, formatAction(action));
    memory.backend.run(program);
    memory.backend.flush();
    if (timeline.pendingCount < UNFINISHED_ACTIONS_MAX) return;
    const done = timeline.mark();
    await memory.backend.finish(timeline.delayMs());
    done();
  }

  /** What another rank sends; a neighbouring chunk of this rank has handed it over already. */
  private async take(action: Action, kind: 'RECV_F' | 'RECV_B', declaration: TensorDeclaration): Promise<void> {
    const { memory, exchange, plan } = this.options;
    if (placeOf(plan, action.stage + (kind === 'RECV_F' ? -1 : 1)).rank === plan.rank) return;
    const text = formatAction({ ...action, kind });
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
    return { edge: forward ? 'activation' : 'gradient', step: this.step, microBatch };
  }
}
