import { AppError } from '@millrace/core';
import type { Action } from '@millrace/pipeline';
import { ActionRunner, type ActionRunnerOptions, ownProgram, senderOf } from '../action-runner';
import { placeOf } from '../stage-plan';
import type { StepTokens } from './step-tokens';

export interface StepRunnerOptions extends ActionRunnerOptions {
  readonly tokens: StepTokens;
}

/** Between a step that is updated and not committed, and the one that has begun on its weights. */
export interface StepGate {
  /** The step that has begun must be dropped. */
  readonly isShut: boolean;
  /** Resolves when the step before is committed and the weights are what they must be. */
  pass(): Promise<void>;
}

/** Executes this rank's actions of one step up to REDUCE, in the order of the plan. */
export class StepRunner {
  private readonly runner: ActionRunner;
  private step = 0;
  private executed: Action[] = [];
  /** Virtual stages whose gradients are of this step. */
  private readonly cleared = new Set<number>();

  constructor(private readonly options: StepRunnerOptions) {
    this.runner = new ActionRunner(options, {
      place: (microBatch) => ({ step: this.step, microBatch }),
      program: ownProgram,
      beginsUpdate: ({ stage }) => this.clears(stage),
    });
  }

  /**
   * What was executed, for the check against the plan; undefined if `gate` shut: then nothing of it counts, and it may
   * be run again.
   */
  async run(step: number, gate?: StepGate): Promise<readonly Action[] | undefined> {
    this.step = step;
    this.executed = [];
    this.runner.forget();
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
      const receives = action.kind === 'RECV_F' || action.kind === 'RECV_B';
      if (receives && placeOf(plan, senderOf(action)).rank === 0) this.runner.ask(action);
    }
  }

  /** Whether it had not been cleared in this step: from now on it is. */
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
