import { dtypeUnsupported, fileTruncated, headerTooLong, tensorUnknown } from '../checkpoint.errors';
import { toFloat32 } from './float-conversion';
import { HEADER_BYTES_MAX, parseHeader, type SafetensorsEntry, type SafetensorsHeader } from './header';
import type { RandomAccess } from './random-access';

/** Every file begins with the length of its header: u64, little-endian. */
const PREFIX_BYTES = 8;

/** How many bytes of floating-point elements are converted at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A range of a tensor's elements, row-major; what is beyond the tensor's end is left out. */
export interface FloatRange {
  readonly from: number;
  readonly count: number;
}

const WHOLE: FloatRange = { from: 0, count: Infinity };

/** A checked safetensors file, read tensor by tensor. */
export class SafetensorsFile {
  readonly metadata: SafetensorsHeader['metadata'];
  readonly entries: readonly SafetensorsEntry[];
  private readonly entryOf: ReadonlyMap<string, SafetensorsEntry>;

  private constructor(
    private readonly source: RandomAccess,
    private readonly dataStart: number,
    header: SafetensorsHeader,
  ) {
    this.metadata = header.metadata;
    this.entries = header.entries;
    this.entryOf = new Map(header.entries.map((entry) => [entry.name, entry]));
  }

  /** Throws CHECKPOINT.FILE_TRUNCATED, HEADER_TOO_LONG, and the errors of parseHeader. */
  static async open(source: RandomAccess): Promise<SafetensorsFile> {
    if (source.bytes < PREFIX_BYTES) throw fileTruncated(PREFIX_BYTES, source.bytes, 'the length of the header');
    const prefix = await source.read(0, PREFIX_BYTES);
    const headerBytes = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
    if (headerBytes > HEADER_BYTES_MAX) throw headerTooLong(headerBytes, HEADER_BYTES_MAX);
    const dataStart = PREFIX_BYTES + Number(headerBytes);
    if (dataStart > source.bytes) throw fileTruncated(dataStart, source.bytes, 'the header');
    const header = parseHeader(await source.read(PREFIX_BYTES, Number(headerBytes)), source.bytes - dataStart);
    return new SafetensorsFile(source, dataStart, header);
  }

  /** Throws CHECKPOINT.TENSOR_UNKNOWN. */
  entry(name: string): SafetensorsEntry {
    const entry = this.entryOf.get(name);
    if (entry === undefined) throw tensorUnknown(name);
    return entry;
  }

  /** The raw bytes of a tensor, little-endian, row-major. */
  async readBytes(name: string): Promise<Uint8Array> {
    const { begin, end } = this.entry(name);
    return this.source.read(this.dataStart + begin, end - begin);
  }

  /**
   * Reads a floating-point tensor, or the part of it that `range` names, as f32 (F16 and BF16 exactly; F64 rounded to
   * nearest). Throws CHECKPOINT.DTYPE_UNSUPPORTED.
   */
  async readFloat32(name: string, range: FloatRange = WHOLE): Promise<Float32Array> {
    const { dtype, begin, end } = this.entry(name);
    const convert = toFloat32(dtype);
    if (convert === undefined) throw dtypeUnsupported(name, dtype);
    const first = Math.min(end, begin + range.from * convert.bytes);
    const last = Math.min(end, first + range.count * convert.bytes);
    const values = new Float32Array((last - first) / convert.bytes);
    for (let offset = first; offset < last; offset += CHUNK_BYTES) {
      const chunk = await this.source.read(this.dataStart + offset, Math.min(CHUNK_BYTES, last - offset));
      convert.into(values.subarray((offset - first) / convert.bytes), chunk);
    }
    return values;
  }
}
