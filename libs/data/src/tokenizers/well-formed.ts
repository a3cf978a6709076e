import { textMalformed } from '../data.errors';

/** Refuses half a surrogate pair, which TextEncoder would silently turn into U+FFFD. */
export function assertWellFormed(text: string): void {
  const codeUnitIndex = text.search(/\p{Surrogate}/u);
  if (codeUnitIndex >= 0) throw textMalformed(codeUnitIndex);
}
