import { Injectable } from '@nestjs/common';
import { unaccompanied } from '../database/transaction-companion';

type Listener = () => void;

/**
 * What one part of this replica tells another after a commit, only to be quick: everything signalled here is in the
 * database and is found by the next periodic pass too, so a lost signal costs time and nothing else.
 */
@Injectable()
export class ClusterSignals {
  private readonly onCommands = new Set<Listener>();
  private readonly onSchedule = new Set<Listener>();

  /** Commands for agents may have changed. */
  commands(): void {
    unaccompanied(() => this.onCommands.forEach((listener) => listener()));
  }

  /** A run may be placeable now: one was submitted, or a device became free. */
  schedule(): void {
    unaccompanied(() => this.onSchedule.forEach((listener) => listener()));
  }

  /** @returns what ends the subscription */
  whenCommands(listener: Listener): () => void {
    this.onCommands.add(listener);
    return () => this.onCommands.delete(listener);
  }

  whenSchedule(listener: Listener): () => void {
    this.onSchedule.add(listener);
    return () => this.onSchedule.delete(listener);
  }
}
