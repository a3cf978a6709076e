import { assert } from '@millrace/core';
import { type Action, formatAction } from '@millrace/pipeline';
import type { BoundProgram, DeviceTensor } from '@millrace/runtime';
import type { StageMemory } from '../stage-memory';
import type { StagePlan } from '../stage-plan';
import type { DataSource } from '../stage-ports';
import type { PendingTensor, TensorExchange } from '../exchange/tensor-exchange';
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

/** Enough that the device never waits for the host, little enough to bound what the driver queues. */
const UNFINISHED_ACTIONS_MAX = 48;

/**
 * Executes this rank's actions of one step up to REDUCE, in the order of the plan:
 *
 *   RECV asks; F, I and W wait for what they need, write it to the device and enqueue a program; SEND enqueues a copy.
 *
 * Nothing but a missing tensor holds the rank up: sends travel, and the device computes, while the host goes on.
 */
export class StepRunner {
  private step = 0;
  private executed: Action[] = [];
  private readonly asked = new Map<string, PendingTensor>();
  private gradientsCleared = false;

  constructor(private readonly options: StepRunnerOptions) {}

  /** What was executed, for the check against the plan. */
  async run(step: number): Promise<readonly Action[]> {
    this.step = step;
    this.executed = [];
    this.asked.clear();
    this.gradientsCleared = false;
    this.options.tokens.begin(step);
    for (const action of this.options.plan.actions) {
      if (action.kind === 'REDUCE' || action.kind === 'STEP') break;
      await this.execute(action);
      this.executed.push(action);
    }
    return this.executed;
  }

  private execute(action: Action): Promise<void> | void {
    switch (action.kind) {
      case 'RECV_F':
        return this.ask(action, 'activation', -1);
      case 'RECV_B':
        return this.ask(action, 'gradient', 1);
      case 'SEND_F':
        return this.send(action, this.options.memory.programs.output?.name);
      case 'SEND_B':
        return this.send(action, this.options.memory.programs.inputGradient?.name);
      case 'F':
        return this.forward(action);
      case 'I':
        return this.backwardInput(action);
      case 'W':
        return this.backwardWeight(action);
      case 'LOCAL_F':
      case 'LOCAL_B':
        return assert(false, `${formatAction(action)}: a rank with one chunk hands nothing over to itself`);
      case 'B':
      case 'REDUCE':
      case 'STEP':
        return assert(false, `${formatAction(action)} is not for a step runner: lowered schedules have I and W`);
      default:
        return action.kind satisfies never;
    }
  }

  private ask(action: Action, edge: 'activation' | 'gradient', side: -1 | 1): void {
    const { exchange, plan } = this.options;
    const pending = exchange.ask(plan.rank + side, { edge, step: this.step, microBatch: action.microBatch });
    this.asked.set(formatAction(action), pending);
  }

  private send(action: Action, name: string | undefined): void {
    const { exchange, plan } = this.options;
    const forward = action.kind === 'SEND_F';
    const address = {
      edge: forward ? 'activation' : 'gradient',
      step: this.step,
      microBatch: action.microBatch,
    } as const;
    exchange.send(plan.rank + (forward ? 1 : -1), this.slotTensor(action, name), address);
  }

  private async forward(action: Action): Promise<void> {
    const { memory, data } = this.options;
    const { programs, backend } = memory;
    if (programs.tokens === undefined) await this.take(action, 'RECV_F', programs.input.name);
    if (data !== undefined) {
      const batch = data.train(this.step, action.microBatch);
      if (programs.tokens !== undefined) backend.write(this.slotTensor(action, programs.tokens.name), batch.inputs);
      if (programs.targets !== undefined) backend.write(this.slotTensor(action, programs.targets.name), batch.targets);
    }
    await this.compute(action, memory.forward(action.microBatch));
  }

  private async backwardInput(action: Action): Promise<void> {
    const { memory } = this.options;
    const gradient = memory.programs.outputGradient;
    if (gradient !== undefined) await this.take(action, 'RECV_B', gradient.name);
    await this.compute(action, memory.slot(action.microBatch).backwardInput);
  }

  private async backwardWeight(action: Action): Promise<void> {
    const { memory } = this.options;
    if (!this.gradientsCleared) memory.backend.run(memory.program('clear-gradients'));
    this.gradientsCleared = true;
    await this.compute(action, memory.slot(action.microBatch).backwardWeight);
  }

  private async compute(action: Action, program: BoundProgram): Promise<void> {
    const { memory, timeline } = this.options;
    memory.backend.run(program);
    timeline.enqueue(action.kind, formatAction(action));
    memory.backend.flush();
    if (timeline.pendingCount < UNFINISHED_ACTIONS_MAX) return;
    const done = timeline.mark();
    await memory.backend.finish(timeline.delayMs());
    done();
  }

  private async take(action: Action, kind: 'RECV_F' | 'RECV_B', name: string): Promise<void> {
    const text = formatAction({ ...action, kind });
    const pending = this.asked.get(text);
    assert(pending !== undefined, `${formatAction(action)} comes before ${text}`);
    this.asked.delete(text);
    await this.options.exchange.take(pending, text, this.slotTensor(action, name));
  }

  private slotTensor(action: Action, name: string | undefined): DeviceTensor {
    const tensor = this.options.memory.slot(action.microBatch).tensors.get(name ?? '');
    assert(tensor !== undefined, `${formatAction(action)} has no tensor ${name}`);
    return tensor;
  }
}
