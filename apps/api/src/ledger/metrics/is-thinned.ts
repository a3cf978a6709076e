/** Whether a series has a point for every step, so that its old points are thinned; evaluations are few and stay. */
export function isThinned(name: string): boolean {
  return !name.startsWith('val/');
}
