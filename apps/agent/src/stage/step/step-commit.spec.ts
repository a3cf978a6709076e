import { allParameters } from '@millrace/model';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import type { TensorExchange } from '../exchange/tensor-exchange';
import { numericsFailed } from '../stage.errors';
import { stagePlan } from '../stage-plan';
import type { Commit } from '../stage-ports';
import { StepCommit } from './step-commit';

const plan = stagePlan(attemptPlan({ ranks: 1 }));
const NAMES = allParameters(plan.config).map(({ name }) => name);

/** What the only rank decides on gradients with these sums of squares; those that are not named are 1. */
function decide(squares: Readonly<Record<string, number>>, loss = 2): Promise<Commit> {
  const commit = new StepCommit({
    plan,
    exchange: { settleSends: () => Promise.resolve() } as unknown as TensorExchange,
    requests: { take: () => ({ checkpoint: false, stop: false }) },
    clock: new FakeClock(),
  });
  const own = { squares: NAMES.map((name) => squares[name] ?? 1), loss: { sum: 10 * loss, tokens: 10 } };
  return commit.agree(1, Promise.resolve(own));
}

it('ends the run at a norm that is not finite, and names the first tensor whose gradient is not', async () => {
  const [second, third] = [NAMES[4]!, NAMES[7]!];
  const { abort } = await decide({ [third]: NaN, [second]: Infinity });
  expect(abort).toEqual({ what: 'the gradient norm', value: 'NaN', firstBad: second });
  const { message } = numericsFailed(1, { ...abort!, value: Number(abort!.value) });
  expect(message).toContain(
    `of step 1 is NaN, and the first gradient whose squares are not finite is that of ${second}: take`,
  );
});

it('names no tensor where the loss alone is not finite, and goes on where all is finite', async () => {
  expect((await decide({}, Infinity)).abort).toEqual({ what: 'the loss', value: 'Infinity' });
  expect(await decide({})).toMatchObject({ norm: Math.sqrt(NAMES.length), stop: false });
});
