import { addLossRows, countTargets, EVALUATION_RING } from '@millrace/model';
import type { DeviceTensor } from '@millrace/runtime';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { DataSource } from './stage-ports';
import type { TensorExchange } from './exchange/tensor-exchange';
import type { WorkTimeline } from './work-timeline';

export interface EvaluationOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly data: DataSource | undefined;
}

/** Sends of an evaluation that may wait for room: unlike a step's, their number has no bound in the schedule. */
const WAITING_SENDS_MAX = 4;

/** Validation loss: the same batches each time, forward only through all stages. */
export class Evaluation {
  /** Targets that counted since the evaluation began. */
  private tokens = 0;

  constructor(private readonly options: EvaluationOptions) {}

  isDue(step: number): boolean {
    const { evalBatchCount, evalEvery, lastStep } = this.options.plan;
    return evalBatchCount > 0 && (step === lastStep || (evalEvery > 0 && step % evalEvery === 0));
  }

  /** With the weights after `step`. The mean over all tokens that count at the head, undefined elsewhere. */
  async run(step: number): Promise<number | undefined> {
    const { plan, memory, timeline } = this.options;
    const count = plan.evalBatchCount * plan.microBatchCount;
    let sum = 0;
    this.tokens = 0;
    let unread: DeviceTensor[] = [];
    for (let index = 0; index < count; index++) {
      const loss = await this.forward(step, index);
      if (loss === undefined) continue;
      unread.push(loss);
      if (unread.length < EVALUATION_RING && index < count - 1) continue;
      const done = timeline.mark();
      const losses = await memory.backend.readAll(unread, timeline.delayMs());
      done();
      sum = losses.reduce((total, rows) => addLossRows(total, rows), sum);
      unread = [];
    }
    await this.options.exchange.sends.settled();
    return memory.programs.loss === undefined ? undefined : sum / this.tokens;
  }

  private async forward(step: number, index: number): Promise<DeviceTensor | undefined> {
    const { plan, memory, exchange, timeline, data } = this.options;
    const { programs, backend } = memory;
    const { program, tensors, loss } = memory.evaluate(index);
    const address = { edge: 'evaluation', step, microBatch: index } as const;
    if (programs.tokens === undefined) {
      await exchange.take(
        exchange.ask(plan.rank - 1, address),
        `evaluation ${index}`,
        tensors.get(programs.input.name)!,
      );
    }
    const batch = data?.validation(Math.floor(index / plan.microBatchCount), index % plan.microBatchCount);
    if (batch !== undefined && programs.tokens !== undefined)
      backend.write(tensors.get(programs.tokens.name)!, batch.inputs);
    if (batch !== undefined && programs.targets !== undefined) {
      backend.write(tensors.get(programs.targets.name)!, batch.targets);
      this.tokens += countTargets(batch.targets);
    }
    backend.run(program);
    timeline.enqueue('evaluate', `${plan.rank}E${index}`);
    backend.flush();
    if (programs.output !== undefined) {
      exchange.send(plan.rank + 1, tensors.get(programs.output.name)!, address);
      if (exchange.sends.count >= WAITING_SENDS_MAX) await exchange.sends.settled();
    }
    return loss;
  }
}
