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

/** The category of a kind of span; a kind that this dashboard does not know is `other`. */
export function spanCategory(kind: string): SpanCategory {
  const name = kind.toLowerCase();
  if (name === 'f' || name === 'i' || name === 'w' || name === 'b') return name.toUpperCase() as SpanCategory;
  if (name.startsWith('wait')) return 'wait';
  if (/^(send|receive|recv|local|transfer)/.test(name)) return 'transfer';
  if (/^(optimizer|step|reduce|commit)/.test(name)) return 'optimizer';
  return 'other';
}

/** Waits and transfers happen beside the device's work: they are drawn in the thin lane below it. */
export function isBeside(category: SpanCategory): boolean {
  return category === 'wait' || category === 'transfer';
}
