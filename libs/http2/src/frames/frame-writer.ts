import {
  FLAG,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  HTTP2_ERROR,
  type FrameHeader,
  type Http2ErrorCode,
  SETTING,
} from './frame-format';

/** RFC 9113, section 4.1: length (24 bits), type, flags, stream. */
export function frameHeader({ bytes, type, flags, streamId }: FrameHeader): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUIntBE(bytes, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return header;
}

function frame(type: number, payload: Buffer, { flags = 0, streamId = 0 } = {}): Buffer {
  return Buffer.concat([frameHeader({ bytes: payload.length, type, flags, streamId }), payload]);
}

export function settingsFrame(settings: Readonly<Partial<Record<keyof typeof SETTING, number>>>): Buffer {
  const entries = Object.entries(settings) as [keyof typeof SETTING, number][];
  const payload = Buffer.alloc(entries.length * 6);
  for (const [index, [name, value]] of entries.entries()) {
    payload.writeUInt16BE(SETTING[name], index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(FRAME_TYPE.settings, payload);
}

export function settingsAckFrame(): Buffer {
  return frame(FRAME_TYPE.settings, Buffer.alloc(0), { flags: FLAG.ack });
}

/** HEADERS, followed by CONTINUATIONs if the block is larger than the peer's frames. */
export function headerFrames(streamId: number, block: Buffer, options: { endStream: boolean; max: number }): Buffer {
  const frames: Buffer[] = [];
  for (let start = 0; start === 0 || start < block.length; start += options.max) {
    const isLast = start + options.max >= block.length;
    const flags = (isLast ? FLAG.endHeaders : 0) | (start === 0 && options.endStream ? FLAG.endStream : 0);
    const type = start === 0 ? FRAME_TYPE.headers : FRAME_TYPE.continuation;
    frames.push(frame(type, block.subarray(start, start + options.max), { flags, streamId }));
  }
  return Buffer.concat(frames);
}

export function windowUpdateFrame(streamId: number, bytes: number): Buffer {
  return frame(FRAME_TYPE.windowUpdate, uint32(bytes), { streamId });
}

export function resetFrame(streamId: number, code: Http2ErrorCode): Buffer {
  return frame(FRAME_TYPE.rstStream, uint32(HTTP2_ERROR[code]), { streamId });
}

/** `opaque` has 8 bytes, which come back in the answer. */
export function pingFrame(opaque: Buffer, ack: boolean): Buffer {
  return frame(FRAME_TYPE.ping, opaque, { flags: ack ? FLAG.ack : 0 });
}

export function goawayFrame(lastStreamId: number, code: Http2ErrorCode, reason: string): Buffer {
  const payload = Buffer.concat([uint32(lastStreamId), uint32(HTTP2_ERROR[code]), Buffer.from(reason)]);
  return frame(FRAME_TYPE.goaway, payload);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
