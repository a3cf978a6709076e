import type { TensorFrame, FrameKey } from './frame';

/** The newest frame of a rank: what a wait says about the one it waits for. */
export interface LastFrame {
  readonly key: FrameKey;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * Frames between the ranks of one attempt: in memory in tests, over gRPC between agents, over a MessagePort between the
 * threads of an agent. Frames from one rank to another arrive in order, each exactly once.
 */
export interface StageTransport {
  /**
   * Takes the frame over (its payload may be detached at once) and resolves when it is on its way: the receiver had
   * room.
   * Rejects when the attempt ends or the peer stays away too long.
   */
  send(toRank: number, frame: TensorFrame): Promise<void>;
  /** Resolves with the frame of this key, now or when it comes; rejects when the attempt ends. */
  receive(key: FrameKey): Promise<TensorFrame>;
  /** A frame that was received, and whose payload is not touched again: its memory may take another one. */
  release?(frame: TensorFrame): void;
  /**
   * Takes and drops every frame with fewer `rollbacks`, those that come later too, so that their senders get their
   * credit back; who waits for one is rejected with DATA_PLANE.FRAME_DROPPED.
   */
  dropBefore(rollbacks: number): void;
  /** Undefined before the first frame of that rank. */
  lastFrom(rank: number): LastFrame | undefined;
}
