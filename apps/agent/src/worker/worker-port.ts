import type { Clock } from '@millrace/core';
import { attemptOver } from '../data-plane/data-plane.errors';
import type { TensorFrame, FrameKey } from '../data-plane/frame';
import { Mailbox } from '../data-plane/mailbox';
import type { LastFrame, StageTransport } from '../data-plane/stage-transport';
import type { BoundaryWishes } from '../stage/stage-ports';
import { fromThreadError } from './thread-error';
import type { FromWorker, ToWorker } from './worker-messages';

/** The part of a MessagePort that a GPU thread uses. */
export interface MessageEnd {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  off(event: 'message', listener: (message: ToWorker) => void): unknown;
}

interface Call {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type WithoutId<M> = M extends { readonly callId: number } ? Omit<M, 'callId'> : never;

/** What an attempt may be asked to do while it trains. */
export interface AskedOfAttempt {
  readonly boundary?: (wishes: BoundaryWishes) => void;
  readonly turn?: (turnId: number) => void;
  readonly turnOver?: (turnId: number) => void;
}

/** A GPU thread's end of its port: it makes calls that are answered, and carries the frames of other ranks. */
export class WorkerPort implements StageTransport {
  private readonly calls = new Map<number, Call>();
  private readonly credits = new WeakMap<TensorFrame, number>();
  private readonly mailbox: Mailbox;
  private nextCallId = 1;
  private readonly listener: (message: ToWorker) => void;
  /** Resolves when the other side asks the thread to end. */
  readonly stopped: Promise<void>;

  constructor(
    private readonly end: MessageEnd,
    clock: Clock,
    private readonly asked: AskedOfAttempt = {},
  ) {
    this.mailbox = new Mailbox(
      () => clock.now(),
      (frame) => {
        this.post({ type: 'taken', fromRank: frame.fromRank, creditBytes: this.credits.get(frame) ?? 0 });
      },
    );
    let stop = (): void => undefined;
    this.stopped = new Promise((resolve) => (stop = resolve));
    this.listener = (message) => this.handle(message, stop);
    end.on('message', this.listener);
  }

  /** Hears nothing more, so that what it was made with can be collected. */
  close(): void {
    this.end.off('message', this.listener);
  }

  post(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.end.postMessage(message, transfer);
  }

  call(message: WithoutId<FromWorker>, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const callId = this.nextCallId++;
    return new Promise((resolve, reject) => {
      this.calls.set(callId, { resolve, reject });
      this.post({ ...message, callId }, transfer);
    });
  }

  async send(toRank: number, frame: TensorFrame): Promise<void> {
    await this.call({ type: 'send', toRank, frame }, [frame.payload.buffer]);
  }

  receive(key: FrameKey): Promise<TensorFrame> {
    return this.mailbox.take(key);
  }

  /** Gives the memory back to where messages arrive. */
  release(frame: TensorFrame): void {
    const { buffer } = frame.payload;
    this.post({ type: 'memory', buffer }, [buffer]);
  }

  dropBefore(rollbacks: number): void {
    this.mailbox.dropBefore(rollbacks);
  }

  lastFrom(rank: number): LastFrame | undefined {
    return this.mailbox.lastFrom(rank);
  }

  private handle(message: ToWorker, stop: () => void): void {
    switch (message.type) {
      case 'frame':
        this.credits.set(message.frame, message.creditBytes);
        return this.mailbox.put(message.frame);
      case 'reply':
        return this.settle(message);
      case 'boundary':
        return this.asked.boundary?.(message.wishes);
      case 'turn':
        return this.asked.turn?.(message.turnId);
      case 'turn-over':
        return this.asked.turnOver?.(message.turnId);
      case 'transport-failed':
        return this.mailbox.fail(fromThreadError(message.error));
      case 'stop':
        this.fail(attemptOver('its thread was asked to stop'));
        return stop();
      default:
        message satisfies never;
    }
  }

  /** Rejects all that waits: a wait must not keep the thread alive. */
  private fail(error: Error): void {
    this.mailbox.fail(error);
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }

  private settle({ callId, value, error }: ToWorker & { type: 'reply' }): void {
    const call = this.calls.get(callId);
    this.calls.delete(callId);
    if (error === undefined) call?.resolve(value);
    else call?.reject(fromThreadError(error));
  }
}
