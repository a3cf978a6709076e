/** Does the work for all `items`, which were asked for under the same key by callers who all get this result. */
export type GatheredWork<Item, Result> = (items: readonly Item[]) => Promise<Result>;

interface Gathering<Item, Result> {
  readonly items: Item[];
  readonly result: Promise<Result>;
}

/**
 * Makes one call at a time under each key. What is asked for meanwhile goes together into the next call, which begins
 * after the asking, so that nobody gets an answer that is older than the question.
 */
export class GatheredCalls<Item, Result> {
  private readonly gathering = new Map<string, Gathering<Item, Result>>();
  /** Resolves when the last call under the key is over, even if that call failed. */
  private readonly last = new Map<string, Promise<unknown>>();

  /** `work` comes from the caller who begins a call: it must be the same for all callers under `key`. */
  ask(key: string, item: Item, work: GatheredWork<Item, Result>): Promise<Result> {
    const open = this.gathering.get(key);
    if (open !== undefined) {
      open.items.push(item);
      return open.result;
    }
    const items = [item];
    const result = (this.last.get(key) ?? Promise.resolve()).then(() => {
      this.gathering.delete(key);
      return work(items);
    });
    this.gathering.set(key, { items, result });
    const over: Promise<void> = result.then(
      () => this.forget(key, over),
      () => this.forget(key, over),
    );
    this.last.set(key, over);
    return result;
  }

  private forget(key: string, over: Promise<unknown>): void {
    if (this.last.get(key) === over) this.last.delete(key);
  }
}
