import type { ValueReader } from './value-reader';

/** Where a value is found in the outputs of all drivers, best source first. */
export interface FieldSource<T> {
  /** Paths of direct children, from the element that the table is about. */
  readonly xml: readonly string[];
  /** Names that `--query-gpu` knows it by. */
  readonly csv: readonly string[];
  readonly reader: ValueReader<T>;
}

/** One source for each key of T. */
export type FieldTable<T> = { readonly [K in keyof T]-?: FieldSource<NonNullable<T[K]>> };

/** Names are separated by spaces, so that a table reads as a table. */
export function field<T>(reader: ValueReader<T>, xml: string, csv = ''): FieldSource<T> {
  return { reader, xml: words(xml), csv: words(csv) };
}

/** Every field of the table, each from what `lookup` finds for its source. */
export function readFields<T>(table: FieldTable<T>, lookup: <V>(source: FieldSource<V>) => V | null): T {
  const keys = Object.keys(table) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, lookup(table[key])])) as T;
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
