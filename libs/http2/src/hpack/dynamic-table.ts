import type { HeaderField } from './static-table';

/** RFC 7541, section 4.1: so many bytes count for each entry beside its texts. */
const ENTRY_OVERHEAD_BYTES = 32;

export function fieldBytes([name, value]: HeaderField): number {
  return name.length + value.length + ENTRY_OVERHEAD_BYTES;
}

/** The earlier fields of a peer that later ones may refer to (RFC 7541, section 2.3.2). The newest comes first. */
export class DynamicTable {
  private readonly entries: HeaderField[] = [];
  private usedBytes = 0;

  constructor(private limitBytes: number) {}

  at(index: number): HeaderField | undefined {
    return this.entries[index];
  }

  /** Adds a field; one that is larger than the table empties it (section 4.4). */
  add(field: HeaderField): void {
    const bytes = fieldBytes(field);
    this.shrinkTo(Math.max(0, this.limitBytes - bytes));
    if (bytes > this.limitBytes) return;
    this.entries.unshift(field);
    this.usedBytes += bytes;
  }

  resize(limitBytes: number): void {
    this.limitBytes = limitBytes;
    this.shrinkTo(limitBytes);
  }

  private shrinkTo(bytesMax: number): void {
    while (this.usedBytes > bytesMax) this.usedBytes -= fieldBytes(this.entries.pop() as HeaderField);
  }
}
