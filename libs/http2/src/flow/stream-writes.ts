/** Part of a DATA frame's payload, and what to call when it left. */
export interface TakenBytes {
  readonly parts: Uint8Array[];
  readonly bytes: number;
  readonly written: (() => void)[];
}

interface PendingWrite {
  readonly parts: readonly Uint8Array[];
  readonly onWritten: () => void;
}

/** What a stream has to send: writes in their order, then its end. Never a copy of a byte. */
export class StreamWrites {
  /** After the writes: HEADERS with trailers, or an empty DATA frame. */
  ending: { readonly trailers: Buffer | undefined } | undefined;
  private readonly writes: PendingWrite[] = [];
  /** Of the first write. */
  private partIndex = 0;
  private partOffset = 0;

  constructor(
    readonly streamId: number,
    /** What the peer allows; negative after it changed its mind. */
    public windowBytes: number,
    readonly onEnded: () => void,
  ) {}

  get hasWrites(): boolean {
    return this.writes.length > 0;
  }

  add(parts: readonly Uint8Array[], onWritten: () => void): void {
    this.writes.push({ parts, onWritten });
  }

  /** The next bytes, at most `bytesMax`, which is more than 0; a write of no bytes takes no room. */
  take(bytesMax: number): TakenBytes {
    const taken = { parts: [] as Uint8Array[], bytes: 0, written: [] as (() => void)[] };
    for (let write = this.writes[0]; write !== undefined; write = this.writes[0]) {
      for (; this.partIndex < write.parts.length; this.partIndex++, this.partOffset = 0) {
        const part = write.parts[this.partIndex] as Uint8Array;
        const room = bytesMax - taken.bytes;
        const left = part.length - this.partOffset;
        const bytes = Math.min(room, left);
        if (bytes > 0)
          taken.parts.push(bytes === part.length ? part : part.subarray(this.partOffset, this.partOffset + bytes));
        taken.bytes += bytes;
        this.partOffset += bytes;
        if (bytes < left) return taken;
      }
      this.writes.shift();
      this.partIndex = 0;
      taken.written.push(write.onWritten);
    }
    return taken;
  }
}
