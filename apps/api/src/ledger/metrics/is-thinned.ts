/**
 * Whether old points of a series are thinned, because it has one for every step; evaluations are few, and all are kept.
 */
export function isThinned(name: string): boolean {
  return !name.startsWith('val/');
}
