/** A part of a DATA frame's payload, and the function to call when it has left. */
export interface TakenBytes {
  readonly parts: Uint8Array[];
  readonly bytes: number;
  readonly written: (() => void)[];
}

interface PendingWrite {
  readonly parts: readonly Uint8Array[];
  readonly onWritten: () => void;
}

/** What a stream has to send: writes in their order, then its end. No byte is ever copied. */
export class StreamWrites {
  /** What follows the writes: HEADERS with trailers, or an empty DATA frame. */
  ending: { readonly trailers: Buffer | undefined } | undefined;
  private readonly writes: PendingWrite[] = [];
  /** The next part of the first write. */
  private partIndex = 0;
  private partOffset = 0;

  constructor(
    readonly streamId: number,
    /** How much the peer allows; negative if the peer has lowered it meanwhile. */
    public windowBytes: number,
    readonly onEnded: () => void,
  ) {}

  get hasWrites(): boolean {
    return this.writes.length > 0;
  }

  add(parts: readonly Uint8Array[], onWritten: () => void): void {
    this.writes.push({ parts, onWritten });
  }

  /** Takes the next bytes, at most `bytesMax`, which must be more than 0; a write of no bytes takes no room. */
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
