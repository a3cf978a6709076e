export type SpanCategory = 'F' | 'I' | 'W' | 'B' | 'wait' | 'transfer' | 'optimizer' | 'other';

export const CATEGORY_NAMES: Readonly<Record<SpanCategory, string>> = {
  F: 'forward',
  I: 'backward for the input',
  W: 'backward for the weights',
  B: 'backward, both',
  wait: 'wait',
  transfer: 'transfer',
  optimizer: 'reduce and optimizer',
  other: 'validation and other',
};

/** What a kind of span counts as; kinds that this dashboard does not know yet are `other`. */
export function spanCategory(kind: string): SpanCategory {
  const name = kind.toLowerCase();
  if (name === 'f' || name === 'i' || name === 'w' || name === 'b') return name.toUpperCase() as SpanCategory;
  if (name.startsWith('wait')) return 'wait';
  if (/^(send|receive|recv|local|transfer)/.test(name)) return 'transfer';
  if (/^(optimizer|step|reduce|commit)/.test(name)) return 'optimizer';
  return 'other';
}

/** Waits and transfers go on beside the device's work: they have the thin lane under it. */
export function isBeside(category: SpanCategory): boolean {
  return category === 'wait' || category === 'transfer';
}
