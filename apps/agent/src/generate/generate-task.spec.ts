import type { GeneratePlan } from '@millrace/contracts';
import { allParameters, stageSlices } from '@millrace/model';
import { openCpuBackend } from '@millrace/runtime';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import type { FrameDType, TensorFrame } from '../data-plane/frame';
import type { StageTransport } from '../data-plane/stage-transport';
import { generate } from './generate-task';
import { HeldTurn } from './held-turn';

const { model } = attemptPlan({ ranks: 2 });
const SIZES = new Map(allParameters(model).map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]));
const CONTEXT = Math.min(32, model.context);

type Received = Pick<TensorFrame, 'dtype' | 'payload'>;

function received(dtype: FrameDType, values: Float32Array | Uint32Array): Received {
  return { dtype, payload: new Uint8Array(values.buffer as ArrayBuffer) };
}

/** One rank of two, to which the other sends this frame. Resolves with the tokens that it told. */
async function part(rank: number, frame: Received, promptTokens = [1, 2]): Promise<(readonly number[])[]> {
  const clock = new FakeClock();
  const told: (readonly number[])[] = [];
  const plan = {
    ...{ rank, model, stages: stageSlices(model, [2, 2]), promptTokens, maxTokens: 2, temperature: 0, seed: 1 },
  } as unknown as GeneratePlan;
  const transport = {
    send: () => Promise.resolve(),
    receive: (key: object) => Promise.resolve({ ...key, ...frame } as TensorFrame),
  } as unknown as StageTransport;
  await generate({
    plan,
    transport,
    clock,
    backend: openCpuBackend(),
    weights: { read: (name) => Promise.resolve(new Float32Array(SIZES.get(name)!)) },
    turn: new HeldTurn({ take: () => Promise.resolve(Infinity), giveBack: () => undefined }, clock),
    onTokens: (tokens) => told.push([...tokens]),
  });
  return told;
}

it('refuses a prompt with a token that the model does not have', async () => {
  const token = received('u32', Uint32Array.of(1));
  await part(0, token);
  await expect(part(0, token, [1, 2, model.vocab])).rejects.toMatchObject({
    code: 'DATA.TOKEN_BEYOND_VOCAB',
    details: { id: model.vocab, position: 2, vocab: model.vocab },
  });
});

it('refuses a token of a peer that is no token of the model, or none', async () => {
  for (const [frame, code] of [
    [received('u32', Uint32Array.of(model.vocab)), 'STAGE.TOKEN_INVALID'],
    [received('f32', Float32Array.of(1)), 'STAGE.FRAME_WRONG_TYPE'],
    [received('u32', Uint32Array.of(1, 2)), 'STAGE.FRAME_WRONG_SIZE'],
    [received('u32', new Uint32Array(0)), 'STAGE.FRAME_WRONG_SIZE'],
  ] as const) {
    await expect(part(0, frame)).rejects.toMatchObject({ code });
  }
});

it('refuses activations that are not all of the window, or of another type', async () => {
  const count = CONTEXT * model.hidden;
  expect(await part(1, received('f32', new Float32Array(count)))).toHaveLength(2);
  for (const [frame, code] of [
    [received('f32', new Float32Array(count - 1)), 'STAGE.FRAME_WRONG_SIZE'],
    [received('u32', new Uint32Array(count)), 'STAGE.FRAME_WRONG_TYPE'],
  ] as const) {
    await expect(part(1, frame)).rejects.toMatchObject({ code });
  }
});
