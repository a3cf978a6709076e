import { AppError } from '@millrace/core';
import type { Action } from '@millrace/pipeline';
import { ActionRunner, type ActionRunnerOptions, ownProgram, senderOf } from '../action-runner';
import { placeOf } from '../stage-plan';
import type { StepTokens } from './step-tokens';

export interface StepRunnerOptions extends ActionRunnerOptions {
  readonly tokens: StepTokens;
}

/**
 * Stands between a step that is updated but not committed and the next step, which has begun with the updated weights.
 */
export interface StepGate {
  /** The step that has begun must be dropped. */
  readonly isStepDropped: boolean;
  /** Resolves when the earlier step is committed and the weights are final. */
  pass(): Promise<void>;
}

/** Executes this rank's actions of one step up to REDUCE, in the order of the plan. */
export class StepRunner {
  private readonly runner: ActionRunner;
  private step = 0;
  private executed: Action[] = [];
  /** Virtual stages whose gradients were cleared in this step. */
  private readonly cleared = new Set<number>();

  constructor(private readonly options: StepRunnerOptions) {
    this.runner = new ActionRunner(options, {
      place: (microBatch) => ({ step: this.step, microBatch }),
      program: ownProgram,
      beginsUpdate: ({ stage }) => this.clears(stage),
    });
  }

  /**
   * Returns what was executed, for the check against the plan. Returns undefined if `gate` says that the step is
   * dropped: then nothing that was executed counts, and the step may be run again.
   */
  async run(step: number, gate?: StepGate): Promise<readonly Action[] | undefined> {
    this.step = step;
    this.executed = [];
    this.runner.forget();
    this.cleared.clear();
    this.options.tokens.begin(step);
    const { actions } = this.options.plan;
    // W clears the gradients, which the step before still needs if its update clips: that step is committed before the
    // first W.
    const aheadCount = gate === undefined ? 0 : actions.findIndex(({ kind }) => kind === 'W');
    if (gate !== undefined) {
      await this.runAhead(actions.slice(0, aheadCount), gate);
      if (gate.isStepDropped) return undefined;
    }
    for (const action of actions.slice(aheadCount)) {
      if (action.kind === 'REDUCE' || action.kind === 'STEP') break;
      await this.perform(action);
    }
    return this.executed;
  }

  private async runAhead(actions: readonly Action[], gate: StepGate): Promise<void> {
    if (!gate.isStepDropped) this.askFirstRank();
    try {
      for (const action of actions) {
        if (gate.isStepDropped) break;
        await this.perform(action);
      }
    } catch (error) {
      // The action waited for a peer that has already dropped the step.
      if (!(error instanceof AppError && error.code === 'DATA_PLANE.FRAME_DROPPED')) throw error;
    }
    await gate.pass();
  }

  /**
   * Asks at once for all that rank 0 sends in this step, so that no frame without room holds back the commit that
   * follows on the same link. These tensors are few: rank 0 does not pass its own first W before that commit.
   */
  private askFirstRank(): void {
    const { plan } = this.options;
    for (const action of plan.actions) {
      const receives = action.kind === 'RECV_F' || action.kind === 'RECV_B';
      if (receives && placeOf(plan, senderOf(action)).rank === 0) this.runner.ask(action);
    }
  }

  /** Returns whether the stage's gradients must be cleared, which is once in each step. */
  private clears(stage: number): boolean {
    if (this.cleared.has(stage)) return false;
    this.cleared.add(stage);
    return true;
  }

  private async perform(action: Action): Promise<void> {
    await this.runner.execute(action);
    this.executed.push(action);
  }
}
