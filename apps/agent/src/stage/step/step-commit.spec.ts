import { allParameters, FIRST_LOSS_SCALE, type LossScaleState } from '@millrace/model';
import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import type { FrameDType, TensorFrame } from '../../data-plane/frame';
import { type DueValues, frameValues } from '../exchange/frame-values';
import type { TensorExchange } from '../exchange/tensor-exchange';
import { numericsFailed } from '../stage.errors';
import { stagePlan } from '../stage-plan';
import type { BoundaryRequests, Commit } from '../stage-ports';
import { countedParameters, StepCommit } from './step-commit';

const plan = stagePlan(attemptPlan({ ranks: 1 }));
const NAMES = allParameters(plan.config).map(({ name }) => name);

interface Decided {
  readonly loss?: number;
  readonly lossScale?: LossScaleState;
  readonly requests?: BoundaryRequests;
}

/** What the only rank decides on gradients with these sums of squares; those that are not named are 1. */
function decide(squares: Readonly<Record<string, number>>, decided: Decided = {}): Promise<Commit> {
  const { loss = 2, lossScale, requests = { take: () => ({ checkpoint: false, stop: false }) } } = decided;
  const commit = new StepCommit({
    plan,
    exchange: { settleSends: () => Promise.resolve() } as unknown as TensorExchange,
    requests,
    clock: new FakeClock(),
  });
  const own = { squares: NAMES.map((name) => squares[name] ?? 1), loss: { sum: 10 * loss, tokens: 10 } };
  return commit.agree({ step: 1, before: { updates: 0, lossScale } }, Promise.resolve(own));
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

it('takes the norms of another rank as so many doubles, and nothing else', async () => {
  const plan = stagePlan(attemptPlan({ ranks: 2 }));
  const takes = async (dtype: FrameDType, payload: Uint8Array<ArrayBuffer>): Promise<Commit> => {
    const key = { edge: 'norm', step: 1, microBatch: -1, chunk: 0, fromRank: 1, rollbacks: 0 } as const;
    const frame: TensorFrame = { ...key, direction: 'forward', dtype, shape: [], payload };
    const exchange = {
      settleSends: () => Promise.resolve(),
      ask: () => ({ key }),
      takeArray: (_pending: unknown, _what: string, due: DueValues) => Promise.resolve(frameValues(frame, due)),
      sendText: () => Promise.resolve(),
    } as unknown as TensorExchange;
    const requests = { take: () => ({ checkpoint: false, stop: false }) };
    const commit = new StepCommit({ plan, exchange, requests, clock: new FakeClock() });
    const squares = countOf(0).map(() => 1);
    return commit.agree({ step: 1, before: { updates: 0 } }, Promise.resolve({ squares, loss: undefined }));
  };
  const countOf = (rank: number): string[] =>
    plan.placement.stagesOfRank[rank]!.flatMap((stage) => countedParameters(plan, stage));
  const count = countOf(1).length + 2;
  const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(new Float64Array(length).fill(1).buffer);
  expect(await takes('f64', bytes(count))).toMatchObject({ stop: false });
  await expect(takes('f32', bytes(count / 2))).rejects.toMatchObject({ code: 'STAGE.FRAME_WRONG_TYPE' });
  await expect(takes('f64', bytes(count - 1))).rejects.toMatchObject({ code: 'STAGE.FRAME_WRONG_SIZE' });
});

it('names no tensor where the loss alone is not finite, and goes on where all is finite', async () => {
  expect((await decide({}, { loss: Infinity })).abort).toEqual({ what: 'the loss', value: 'Infinity' });
  expect(await decide({})).toMatchObject({ norm: Math.sqrt(NAMES.length), stop: false });
});

describe('scaled gradients', () => {
  const lossScale = FIRST_LOSS_SCALE;
  const [second, third] = [NAMES[4]!, NAMES[7]!];
  const scaled = Object.fromEntries(NAMES.map((name) => [name, lossScale.scale ** 2]));

  it('have the norm and the clip coefficient of gradients that are not scaled', async () => {
    expect(await decide(scaled, { lossScale })).toEqual(await decide({}));
  });

  it('are skipped if they overflow, and the boundary is taken as at any step', async () => {
    const requests = { take: () => ({ checkpoint: true, stop: true }) };
    const commit = await decide({ ...scaled, [third]: NaN, [second]: Infinity }, { lossScale, requests });
    const boundary = { checkpoint: true, stop: true };
    expect(commit).toMatchObject({ norm: 0, clipCoefficient: 0, overflow: { firstBad: second }, ...boundary });
    expect(commit.abort).toBeUndefined();
  });

  it('end the run if the loss is not finite, whatever the scale', async () => {
    const { abort, overflow } = await decide({ [third]: NaN }, { loss: NaN, lossScale });
    expect([abort, overflow]).toEqual([{ what: 'the loss', value: 'NaN', firstBad: third }, undefined]);
  });

  it('end the run with the hundredth skip at the smallest scale, and name the first tensor', async () => {
    const at = (skippedAtFloor: number): LossScaleState => ({ ...lossScale, scale: 1, skippedAtFloor });
    expect((await decide({ [third]: Infinity }, { lossScale: at(98) })).abort).toBeUndefined();
    const { abort } = await decide({ [third]: Infinity }, { lossScale: at(99) });
    const { message } = numericsFailed(1, { ...abort!, value: Number(abort!.value) });
    expect(message).toContain(
      `is Infinity, and the first gradient whose squares are not finite is that of ${third}, as in the 99 steps before`,
    );
  });
});
