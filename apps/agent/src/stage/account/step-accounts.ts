import { STEP_WAIT_CAUSES } from '@millrace/contracts/plain';
import type { Clock } from '@millrace/core';
import type { SentFrames } from '../../data-plane/counted-transport';
import { frameWrongSize } from '../stage.errors';
import type { PendingTensor } from '../exchange/patient-wait';
import type { TensorExchange } from '../exchange/tensor-exchange';
import type { MetricValue } from '../stage-ports';
import { accountMetrics } from './account-metrics';
import type { WorkTimeline } from '../work-timeline';
import type { RankAccount, StepAccount } from './step-account';

export interface StepAccountsOptions {
  readonly rank: number;
  readonly ranks: number;
  readonly exchange: TensorExchange;
  readonly account: StepAccount;
  /** The spans that it measures go to `account`. */
  readonly timeline: WorkTimeline;
  readonly clock: Clock;
}

interface Uncollected {
  readonly step: number;
  readonly own: RankAccount;
  readonly others: readonly PendingTensor[];
}

const VALUE_COUNT = 4 + STEP_WAIT_CAUSES.length;

/**
 * Brings the accounts of all ranks together at rank 0 while training goes on. Each rank sends its account when a step
 * is over and before its norms of the next step, so that rank 0 has received it when it ends that next step.
 */
export class StepAccounts {
  private uncollected: Uncollected | undefined;

  constructor(private readonly options: StepAccountsOptions) {}

  get timeline(): WorkTimeline {
    return this.options.timeline;
  }

  /** The time of the next step counts from this call on. */
  begin(): void {
    this.options.account.begin(this.options.clock.monotonicMs());
  }

  /**
   * Called after the update of `step`: sends this rank's account to rank 0, which asks for those of the others. It must
   * have taken the points of the earlier step by then.
   */
  share(step: number, sent: readonly SentFrames[]): void {
    const { rank, ranks, exchange, account, clock } = this.options;
    const sentBytes = sent.reduce((total, { bytes }) => total + bytes, 0);
    const own = { ...account.end(clock.monotonicMs()), sentBytes };
    const address = { edge: 'account', step, microBatch: -1, chunk: 0 } as const;
    if (rank > 0) {
      exchange.sends.push(() => exchange.sendText(0, toText(own), address));
      return;
    }
    const others = Array.from({ length: ranks - 1 }, (_, index) => exchange.ask(index + 1, address));
    this.uncollected = { step, own, others };
  }

  /**
   * Waits for the accounts of the last step that ended, and makes its points of them. Only rank 0 has any, and it gets
   * those of a step once.
   */
  async takePoints(): Promise<MetricValue[]> {
    const { uncollected } = this;
    if (uncollected === undefined) return [];
    this.uncollected = undefined;
    const { step, own, others } = uncollected;
    const accounts = [own];
    for (const pending of others) {
      accounts.push(fromText(await this.options.exchange.takeText(pending, `account of step ${step}`)));
    }
    return accountMetrics(step, accounts);
  }
}

function toText({ totalMs, computeMs, optimizerMs, sentBytes, waitMs }: RankAccount): string {
  return JSON.stringify([totalMs, computeMs, optimizerMs, sentBytes, ...waitMs]);
}

function fromText(text: string): RankAccount {
  const values = JSON.parse(text) as number[];
  if (values.length !== VALUE_COUNT) throw frameWrongSize('account', VALUE_COUNT, values.length);
  const [totalMs = 0, computeMs = 0, optimizerMs = 0, sentBytes = 0, ...waitMs] = values;
  return { totalMs, computeMs, optimizerMs, sentBytes, waitMs };
}
