import type { AgentMessageBody, GeneratePlan } from '@millrace/contracts';
import { type AppError, type Clock, GENERATION_FENCE } from '@millrace/core';
import { generationFrameBounds } from '../attempt/frame-bounds';
import type { LentTurn } from '../attempt/lent-turns';
import { RankThread } from '../attempt/rank-thread';
import type { BlobCache } from '../blobs/blob-cache';
import { TensorIndex } from '../blobs/tensor-index';
import type { DataPlane } from '../data-plane/data-plane';
import type { LinkCredential } from '../data-plane/link/link-credential';
import type { DeviceChoice } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { fromThreadError } from '../worker/thread-error';
import type { FromWorker } from '../worker/worker-messages';
import { generationLate } from './generate.errors';

export interface GenerationOptions {
  readonly plan: GeneratePlan;
  /** Needed if a peer is on another machine. */
  readonly credential: LinkCredential | undefined;
  readonly device: DeviceChoice;
  readonly dataPlane: DataPlane;
  readonly startThread: StartGpuThread;
  readonly cache: BlobCache;
  readonly clock: Clock;
  /** Lends the device, which an attempt may be training on. */
  readonly lendDevice: () => Promise<LentTurn>;
  readonly send: (body: AgentMessageBody) => void;
  readonly onEvent: (event: GenerationEvent) => void;
}

export type GenerationEvent =
  | { readonly type: 'worker'; readonly message: FromWorker }
  | { readonly type: 'drained' }
  | { readonly type: 'failed'; readonly error: AppError };

const PEER_PATIENCE_MS = 60_000;
/** Longer than the API waits. Without it a rank whose peers never come would hold its thread for ever. */
const DURATION_MS_MAX = 150_000;

/**
 * One rank's part of a text generation. If an attempt trains on the device, it runs between two steps of that attempt.
 * Any failure ends it with an error, and whoever asked may ask again.
 */
export class Generation {
  isOver = false;
  private readonly rank: RankThread;
  private readonly cancelLimit: () => void;
  private turn: LentTurn | undefined;

  constructor(private readonly options: GenerationOptions) {
    const { plan, onEvent } = options;
    let tensors: TensorIndex | undefined;
    this.rank = new RankThread({
      dataPlane: options.dataPlane,
      startThread: options.startThread,
      clock: options.clock,
      links: {
        runId: plan.taskId,
        fence: GENERATION_FENCE,
        key: plan.dataKey,
        credential: options.credential,
        rank: plan.rank,
        peers: plan.peers,
        bounds: generationFrameBounds(plan),
        firstAcceptMs: PEER_PATIENCE_MS,
        lostAfterMs: PEER_PATIENCE_MS,
        transient: true,
      },
      weight: async (name, kind) => {
        tensors ??= new TensorIndex(plan.manifest.tensors);
        const tensor = tensors.find(name, kind);
        return tensor === undefined ? undefined : options.cache.tensor(tensor, () => this.isOver);
      },
      onMessage: (message) => onEvent({ type: 'worker', message }),
      onPeerDead: (_, error) => onEvent({ type: 'failed', error }),
    });
    this.cancelLimit = options.clock.after(DURATION_MS_MAX, () =>
      onEvent({ type: 'failed', error: generationLate(plan.taskId, DURATION_MS_MAX) }),
    );
    this.rank.start({ kind: 'generate', plan, device: options.device });
  }

  handle(event: GenerationEvent): void {
    if (this.isOver) return;
    if (event.type === 'failed') return this.fail(event.error);
    if (event.type === 'drained') return void this.end('finished');
    const { message } = event;
    if (message.type === 'failed') return this.fail(fromThreadError(message.error));
    if (message.type === 'take-turn') return this.rank.reply(message.callId, this.takeTurn());
    if (message.type === 'turn-over') return this.giveTurnBack();
    if (message.type === 'tokens') this.output([...message.tokens], message.done, '');
    if (message.type === 'finished') void this.rank.drain().then(() => this.options.onEvent({ type: 'drained' }));
  }

  end(reason: string): Promise<void> {
    this.isOver = true;
    this.cancelLimit();
    this.giveTurnBack();
    return this.rank.end(reason);
  }

  fail(error: AppError): void {
    this.output([], true, error.message);
    void this.end('failed');
  }

  private async takeTurn(): Promise<number> {
    const turn = await this.options.lendDevice();
    if (this.isOver) turn.over();
    else this.turn = turn;
    return turn.sliceMs;
  }

  private giveTurnBack(): void {
    this.turn?.over();
    this.turn = undefined;
  }

  private output(tokens: number[], done: boolean, errorMessage: string): void {
    this.options.send({
      $case: 'generateOutput',
      value: { taskId: this.options.plan.taskId, tokens, done, errorMessage },
    });
  }
}
