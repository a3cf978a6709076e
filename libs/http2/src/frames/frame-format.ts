/** Numbers of RFC 9113: section 6 (frames), section 7 (error codes), section 6.5.2 (settings). */
export const FRAME_TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const HTTP2_ERROR = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
} as const;
export type Http2ErrorCode = keyof typeof HTTP2_ERROR;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** A client begins a connection with this. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FRAME_HEADER_BYTES = 9;
export const STREAM_ID_MAX = 2 ** 31 - 1;
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;
/** Window and frame sizes that hold until settings say otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const DEFAULT_FRAME_BYTES_MAX = 16_384;
export const FRAME_BYTES_MAX = 2 ** 24 - 1;

export interface FrameHeader {
  /** Length of the payload. */
  readonly bytes: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}
