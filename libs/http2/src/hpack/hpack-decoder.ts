import { compressionError, headersTooLarge } from '../http2.errors';
import type { HeaderFields } from '../http2-headers';
import { DynamicTable, fieldBytes } from './dynamic-table';
import { HpackReader } from './hpack-reader';
import { type HeaderField, STATIC_TABLE } from './static-table';

/**
 * We ask for a table of 0 bytes, but until a peer has our settings it may use the default (RFC 9113, section 6.5.2).
 */
const TABLE_BYTES_MAX = 4096;

/**
 * Decodes the header blocks of one direction of a connection. All of them must come in their order, refused ones too.
 */
export class HpackDecoder {
  private readonly table = new DynamicTable(TABLE_BYTES_MAX);

  constructor(private readonly listBytesMax: number) {}

  /**
   * Values of a name that occurs again are joined by ", ". Errors end the connection, because the table may be wrong
   * then.
   */
  decode(block: Buffer): HeaderFields {
    const reader = new HpackReader(block);
    const fields = new Map<string, string>();
    let listBytes = 0;
    while (!reader.done) {
      const field = this.field(reader, fields.size === 0);
      if (field === undefined) continue;
      listBytes += fieldBytes(field);
      if (listBytes > this.listBytesMax) throw headersTooLarge(this.listBytesMax);
      const [name, value] = field;
      const known = fields.get(name);
      fields.set(name, known === undefined ? value : `${known}, ${value}`);
    }
    return fields;
  }

  /** Reads a field (RFC 7541, section 6); undefined for a change of the table's size. */
  private field(reader: HpackReader, first: boolean): HeaderField | undefined {
    const byte = reader.peek();
    if (byte >= 0x80) return this.entry(reader.integer(7));
    if (byte >= 0x40) {
      const field = this.literal(reader, 6);
      this.table.add(field);
      return field;
    }
    // The field is literal, without indexing or never indexed.
    if (byte < 0x20) return this.literal(reader, 4);
    const limitBytes = reader.integer(5);
    if (limitBytes > TABLE_BYTES_MAX || !first) throw compressionError(`a change of the table to ${limitBytes} bytes`);
    this.table.resize(limitBytes);
    return undefined;
  }

  private literal(reader: HpackReader, prefixBits: number): HeaderField {
    const index = reader.integer(prefixBits);
    const name = index === 0 ? reader.text() : this.entry(index)[0];
    return [name, reader.text()];
  }

  private entry(index: number): HeaderField {
    const field = STATIC_TABLE[index - 1] ?? this.table.at(index - 1 - STATIC_TABLE.length);
    if (field === undefined) throw compressionError(`no header field ${index}`);
    return field;
  }
}
