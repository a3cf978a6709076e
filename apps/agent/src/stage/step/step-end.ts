import { assert } from '@millrace/core';
import { addLossRows, learningRate, optimizerHyper, sumPartials } from '@millrace/model';
import { type Action, checkExecutedLog, NO_MICRO_BATCH } from '@millrace/pipeline';
import { numericsFailed } from '../stage.errors';
import { countedParameters, type RankNorms, StepCommit } from './step-commit';
import type { StageMemory } from '../stage-memory';
import type { StagePlan } from '../stage-plan';
import type { BoundaryRequests, Commit } from '../stage-ports';
import type { TensorExchange } from '../exchange/tensor-exchange';
import type { StepTokens } from './step-tokens';
import type { WorkTimeline } from '../work-timeline';

export interface StepEndOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly tokens: StepTokens;
  readonly requests: BoundaryRequests;
}

export interface StepResult {
  readonly commit: Commit;
  /** At the head only. */
  readonly loss: number | undefined;
  readonly learningRate: number;
}

/** REDUCE and STEP: tied gradients, the global norm through rank 0, then the optimizer. */
export class StepEnd {
  private readonly stepCommit: StepCommit;

  constructor(private readonly options: StepEndOptions) {
    this.stepCommit = new StepCommit(options);
  }

  /** Errors: PIPELINE.LOG_DIFFERS before anything is committed, STAGE.NUMERICS. */
  async run(step: number, executed: readonly Action[]): Promise<StepResult> {
    const { plan, memory } = this.options;
    const stage = plan.actions.at(-1)?.stage ?? plan.rank;
    const ends: Action[] = [
      { kind: 'REDUCE', stage, microBatch: NO_MICRO_BATCH },
      { kind: 'STEP', stage, microBatch: NO_MICRO_BATCH },
    ];
    checkExecutedLog(plan.actions, [...executed, ...ends]);
    await this.combineTied(step);
    const norms = await this.norms();
    const commit = await this.stepCommit.agree(step, norms);
    if (commit.abort !== undefined) throw numericsFailed(step, commit.abort.what, Number(commit.abort.value));
    const rate = learningRate(plan.learningRate, step);
    memory.backend.write(
      memory.tensor(memory.optimizer.hyper.name),
      optimizerHyper(plan.optimizer, { lr: rate, step, clipCoefficient: commit.clipCoefficient }),
    );
    this.enqueue('update', 'STEP', stage);
    memory.backend.flush();
    return {
      commit,
      loss: norms.loss === undefined ? undefined : norms.loss.sum / norms.loss.tokens,
      learningRate: rate,
    };
  }

  /** The first and the last stage swap their gradients of a tied embedding; both add them in the same order. */
  private async combineTied(step: number): Promise<void> {
    const { plan, memory, exchange } = this.options;
    const { tied } = memory.optimizer;
    if (tied === undefined) return;
    const { embedding, head } = plan.slice;
    if (!(embedding && head)) {
      const peer = embedding ? plan.ranks - 1 : 0;
      const [own, other] = embedding ? [tied.embedding, tied.head] : [tied.head, tied.embedding];
      const address = { edge: 'tied', step, microBatch: -1 } as const;
      const pending = exchange.ask(peer, address);
      exchange.send(peer, memory.tensor(own.name), address);
      await exchange.take(pending, 'REDUCE', memory.tensor(other.name));
    }
    memory.backend.run(memory.program('combine-tied'));
  }

  private async norms(): Promise<RankNorms> {
    const { plan, memory, exchange, timeline } = this.options;
    this.enqueue('squares', 'REDUCE', plan.actions.at(-1)?.stage ?? plan.rank);
    const partials = countedParameters(plan, plan.rank).map((name) => {
      const declaration = memory.optimizer.partials.get(name);
      assert(declaration !== undefined, `no partial sums of ${name}`);
      return memory.tensor(declaration.name);
    });
    const done = timeline.mark();
    const read = await memory.backend.readAll([...partials, ...memory.losses], timeline.delayMs());
    done();
    await exchange.sends.settled();
    const losses = read.slice(partials.length);
    const { count } = this.options.tokens;
    return {
      squares: read.slice(0, partials.length).map((values) => sumPartials(values)),
      loss:
        count === undefined
          ? undefined
          : { sum: losses.reduce((sum, rows) => addLossRows(sum, rows), 0), tokens: count },
    };
  }

  private enqueue(program: 'squares' | 'update', kind: 'REDUCE' | 'STEP', stage: number): void {
    const { memory, timeline } = this.options;
    memory.backend.run(memory.program(program));
    timeline.enqueue(kind, `${stage}${kind}`);
  }
}
