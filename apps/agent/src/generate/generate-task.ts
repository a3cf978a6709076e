import type { GeneratePlan } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { checkVocab } from '@millrace/data';
import type { Backend, HostArray } from '@millrace/runtime';
import { type FrameKey, frameKeyText, type TensorFrame } from '../data-plane/frame';
import { frameDType } from '../data-plane/link/frame-channel';
import type { StageTransport } from '../data-plane/stage-transport';
import { frameValues, valuesOf } from '../stage/exchange/frame-values';
import { peerTokenInvalid } from '../stage/stage.errors';
import type { WeightSource } from '../stage/stage-ports';
import type { WorkerPort } from '../worker/worker-port';
import { weightSource } from '../worker/train-task';
import { GenerationStage } from './generation-stage';
import { HeldTurn, type TurnSource } from './held-turn';
import { sampleToken } from './sample-token';

export interface GenerateTaskOptions {
  readonly plan: GeneratePlan;
  readonly backend: Backend;
  readonly port: WorkerPort;
  readonly clock: Clock;
}

/** The text so far is told each time so many tokens were added. */
const TOLD_EVERY = 8;

export async function generateTask({ plan, backend, port, clock }: GenerateTaskOptions): Promise<void> {
  const told = (tokens: readonly number[]): void => {
    const done = tokens.length === plan.maxTokens;
    if (done || tokens.length % TOLD_EVERY === 0) port.post({ type: 'tokens', tokens: [...tokens], done });
  };
  const turn = new HeldTurn(turnSource(port), clock);
  const weights = weightSource(port);
  try {
    await generate({ plan, backend, transport: port, weights, clock, turn, onTokens: told });
  } finally {
    turn.giveBack();
  }
  port.post({ type: 'finished', state: 'finished', step: plan.maxTokens });
}

function turnSource(port: WorkerPort): TurnSource {
  return {
    take: async () => (await port.call({ type: 'take-turn' })) as number,
    giveBack: () => port.post({ type: 'turn-over' }),
  };
}

export interface GenerateOptions {
  readonly plan: GeneratePlan;
  readonly backend: Backend;
  readonly transport: StageTransport;
  readonly weights: WeightSource;
  readonly clock: Clock;
  readonly turn: HeldTurn;
  /** Called on the last rank after each token, with all tokens so far. */
  readonly onTokens: (tokens: readonly number[]) => void;
}

/**
 * Does one rank's part of a generation: for each token the window goes forward through the stages, the last rank
 * samples, and the token goes back to rank 0. Frames are numbered by token, from 1.
 */
export async function generate(options: GenerateOptions): Promise<void> {
  const { plan, backend, weights, clock, turn, onTokens } = options;
  checkVocab('the prompt', plan.promptTokens, plan.model);
  const transport = withoutDevice(options.transport, turn);
  const stage = await GenerationStage.open(plan, { backend, weights, clock });
  const { rank } = plan;
  const last = plan.stages.length - 1;
  const text = [...plan.promptTokens];
  const made: number[] = [];
  for (let count = 1; count <= plan.maxTokens; count++) {
    const input =
      rank === 0
        ? windowTokens(text, stage.context)
        : frameValues(await transport.receive(keyOf('activation', count, rank - 1)), valuesOf(stage.inputDeclaration));
    const output = await turn.use(() => stage.forward(input));
    if (rank < last)
      await transport.send(
        rank + 1,
        frame({ fromRank: rank, step: count, edge: 'activation', shape: stage.outputShape }, output),
      );
    if (rank === last) {
      const length = Math.min(plan.promptTokens.length + made.length, stage.context);
      const vocab = plan.model.vocab;
      const token = sampleToken(output.subarray((length - 1) * vocab, length * vocab), count, plan);
      made.push(token);
      onTokens(made);
      if (rank > 0)
        await transport.send(
          0,
          frame({ fromRank: rank, step: count, edge: 'token', shape: [1] }, Uint32Array.of(token)),
        );
      else text.push(token);
    } else if (rank === 0) {
      text.push(await receiveToken(transport, keyOf('token', count, last), plan.model.vocab));
    }
  }
}

function keyOf(edge: 'activation' | 'token', count: number, fromRank: number): FrameKey {
  return { edge, step: count, microBatch: 0, chunk: 0, fromRank, rollbacks: 0 };
}

async function receiveToken(transport: Pick<StageTransport, 'receive'>, key: FrameKey, vocab: number): Promise<number> {
  const [token] = frameValues(await transport.receive(key), { dtypes: ['u32'], shape: [1] });
  if (token! >= vocab) throw peerTokenInvalid(frameKeyText(key), token!, vocab);
  return token!;
}

/** Gives the device back to training while it waits for a peer, be it for a frame or until the peer has taken one. */
function withoutDevice(transport: StageTransport, turn: HeldTurn): Pick<StageTransport, 'send' | 'receive'> {
  return {
    send: (toRank, frame) => {
      turn.giveBack();
      return transport.send(toRank, frame);
    },
    receive: (key) => {
      turn.giveBack();
      return transport.receive(key);
    },
  };
}

/** The last `context` tokens, padded at the end. */
function windowTokens(text: readonly number[], context: number): Uint32Array {
  const window_T = new Uint32Array(context);
  window_T.set(text.slice(-context));
  return window_T;
}

type Header = Pick<TensorFrame, 'fromRank' | 'step' | 'edge' | 'shape'>;

function frame(header: Header, data: HostArray): TensorFrame {
  const payload = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return { ...header, microBatch: 0, chunk: 0, rollbacks: 0, direction: 'forward', dtype: frameDType(data), payload };
}
