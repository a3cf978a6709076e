import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects the garbage of the thread that calls it; V8 does so by itself when much is allocated, which an idle thread
 * does not do. A thread of V8 frees the memory of tensors that were collected, at its leisure; the second collection
 * waits until that is done.
 */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return () => {
    collect();
    collect();
  };
}
