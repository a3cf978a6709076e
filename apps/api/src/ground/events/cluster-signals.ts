import { Injectable } from '@nestjs/common';
import { unaccompanied } from '../database/transaction-companion';

type Listener = () => void;

/**
 * Signals from one part of this replica to another after a commit, which only save time. Everything that is signalled
 * is in the database, where the next periodic pass finds it too: a lost signal costs time and nothing else.
 */
@Injectable()
export class ClusterSignals {
  private readonly onCommands = new Set<Listener>();
  private readonly onSchedule = new Set<Listener>();

  /** Commands for agents may have changed. */
  commands(): void {
    unaccompanied(() => this.onCommands.forEach((listener) => listener()));
  }

  /** A run may now be placeable: one was submitted, or a device became free. */
  schedule(): void {
    unaccompanied(() => this.onSchedule.forEach((listener) => listener()));
  }

  /** @returns a function that ends the subscription */
  whenCommands(listener: Listener): () => void {
    this.onCommands.add(listener);
    return () => this.onCommands.delete(listener);
  }

  whenSchedule(listener: Listener): () => void {
    this.onSchedule.add(listener);
    return () => this.onSchedule.delete(listener);
  }
}
