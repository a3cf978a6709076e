import { flowControlError, frameSizeError, protocolError, tooMuch } from '../http2.errors';
import { CONTINUATIONS_MAX, HEADER_BLOCK_BYTES_MAX } from '../http2-limits';
import {
  DEFAULT_FRAME_BYTES_MAX,
  FLAG,
  FRAME_BYTES_MAX,
  FRAME_TYPE,
  type FrameHeader,
  SETTING,
  WINDOW_BYTES_MAX,
} from './frame-format';

/** What a sender must know about its peer. */
export interface PeerSettings {
  readonly initialWindowSize?: number;
  readonly maxFrameSize?: number;
}

/** Parses SETTINGS (RFC 9113, section 6.5). Settings that we do not use are skipped. */
export function parseSettings(payload: Buffer): PeerSettings {
  if (payload.length % 6 !== 0) throw frameSizeError(`SETTINGS of ${payload.length} bytes`);
  const settings: { initialWindowSize?: number; maxFrameSize?: number } = {};
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case SETTING.initialWindowSize:
        if (value > WINDOW_BYTES_MAX) throw flowControlError(`windows of ${value} bytes`);
        settings.initialWindowSize = value;
        break;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_FRAME_BYTES_MAX || value > FRAME_BYTES_MAX) throw protocolError(`frames of ${value} bytes`);
        settings.maxFrameSize = value;
        break;
      case SETTING.enablePush:
        if (value > 1) throw protocolError(`ENABLE_PUSH ${value}`);
        break;
    }
  }
  return settings;
}

/** Parses WINDOW_UPDATE (section 6.9). The caller decides about 0: on a stream it is only that stream's error. */
export function parseWindowUpdate(payload: Buffer): number {
  return parseUint32(payload, 'WINDOW_UPDATE') & 0x7fffffff;
}

export function parseUint32(payload: Buffer, what: string): number {
  if (payload.length !== 4) throw frameSizeError(`${what} of ${payload.length} bytes`);
  return payload.readUInt32BE(0);
}

export function parseGoaway(payload: Buffer): { lastStreamId: number; code: number; reason: string } {
  if (payload.length < 8) throw frameSizeError(`GOAWAY of ${payload.length} bytes`);
  const lastStreamId = payload.readUInt32BE(0) & 0x7fffffff;
  return { lastStreamId, code: payload.readUInt32BE(4), reason: payload.toString('latin1', 8) };
}

export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly block: Buffer;
}

/** Puts HEADERS and their CONTINUATIONs together (sections 6.2 and 6.10). No other frame may come between them. */
export class HeaderBlocks {
  private open: { readonly header: FrameHeader; readonly fragments: Buffer[]; bytes: number } | undefined;

  /** Must be called before any frame is handled. */
  check({ type, streamId }: FrameHeader): void {
    const continues = type === FRAME_TYPE.continuation;
    const expected = this.open !== undefined;
    if (continues !== expected || (continues && streamId !== this.open?.header.streamId))
      throw protocolError('headers and CONTINUATIONs that do not belong together');
  }

  /** Returns the whole block once it is complete. */
  add(header: FrameHeader, payload: Buffer): HeaderBlock | undefined {
    const fragment = header.type === FRAME_TYPE.headers ? unpadded(header, payload) : payload;
    this.open ??= { header, fragments: [], bytes: 0 };
    const { open } = this;
    open.fragments.push(Buffer.from(fragment));
    open.bytes += fragment.length;
    if (open.bytes > HEADER_BLOCK_BYTES_MAX || open.fragments.length > 1 + CONTINUATIONS_MAX)
      throw tooMuch(`${open.fragments.length} frames of headers with ${open.bytes} bytes`);
    if ((header.flags & FLAG.endHeaders) === 0) return undefined;
    this.open = undefined;
    const endStream = (open.header.flags & FLAG.endStream) !== 0;
    return { streamId: header.streamId, endStream, block: Buffer.concat(open.fragments) };
  }
}

/** The HEADERS payload without padding and priority. */
function unpadded({ flags }: FrameHeader, payload: Buffer): Buffer {
  const padded = (flags & FLAG.padded) !== 0;
  const start = (padded ? 1 : 0) + ((flags & FLAG.priority) === 0 ? 0 : 5);
  const end = payload.length - (padded ? (payload[0] ?? 0) : 0);
  if (start > end) throw protocolError('padding longer than its frame');
  return payload.subarray(start, end);
}
