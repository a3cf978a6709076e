import { textMalformed } from '../data.errors';

const CODE_POINT_COUNT = 0x110000;

/** The distinct code points of texts seen so far, in constant memory (1.1 MB). */
export class CodePointSet {
  private readonly seen = new Uint8Array(CODE_POINT_COUNT);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Throws DATA.TEXT_MALFORMED for half a surrogate pair. */
  addText(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const codePoint = text.codePointAt(index) ?? 0;
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) throw textMalformed(index);
      this.add(codePoint);
      if (codePoint > 0xffff) index++;
    }
  }

  add(codePoint: number): void {
    if (this.seen[codePoint] === 1) return;
    this.seen[codePoint] = 1;
    this.count++;
  }

  /** In ascending order. */
  sorted(): number[] {
    const codePoints: number[] = [];
    for (let codePoint = 0; codePoint < CODE_POINT_COUNT; codePoint++) {
      if (this.seen[codePoint] === 1) codePoints.push(codePoint);
    }
    return codePoints;
  }
}
