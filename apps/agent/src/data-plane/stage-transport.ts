import type { TensorFrame, FrameKey } from './frame';

/** The newest frame of a rank, which the report of a long wait for that rank names. */
export interface LastFrame {
  readonly key: FrameKey;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * Carries frames between the ranks of one attempt: in memory in tests, over gRPC between agents, over a MessagePort
 * between the threads of an agent. Frames from one rank to another arrive in order, each exactly once.
 */
export interface StageTransport {
  /**
   * Takes the frame over (its payload may be detached at once) and resolves when the receiver has room for it, so that
   * it is on its way. Rejects when the attempt ends or the peer stays away too long.
   */
  send(toRank: number, frame: TensorFrame): Promise<void>;
  /** Resolves with the frame of this key, now or when it comes. Rejects when the attempt ends. */
  receive(key: FrameKey): Promise<TensorFrame>;
  /** Gives back a received frame whose payload nobody touches again: its memory may take another frame. */
  release?(frame: TensorFrame): void;
  /**
   * Takes and drops every frame with fewer `rollbacks`, also those that come later, so that their senders get their
   * credit back. Whoever waits for one is rejected with DATA_PLANE.FRAME_DROPPED.
   */
  dropBefore(rollbacks: number): void;
  /** The newest frame of a rank; undefined before its first one. */
  lastFrom(rank: number): LastFrame | undefined;
}
