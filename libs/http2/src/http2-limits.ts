/** What a peer may make us hold. Credits hold a sender back long before the windows do. */
export const WINDOW_BYTES = 64 * 2 ** 20;
/** Windows are widened in steps of this size. */
export const WINDOW_STEP_BYTES = WINDOW_BYTES / 4;
export const CONCURRENT_STREAMS_MAX = 100;
/** Encoded, with all CONTINUATIONs; a frame of any type but DATA is not larger either. */
export const HEADER_BLOCK_BYTES_MAX = 32 * 1024;
export const CONTINUATIONS_MAX = 16;
/** Decoded, as RFC 9113, section 6.5.2, counts. */
export const HEADER_LIST_BYTES_MAX = 64 * 1024;
/** Answers to PING and SETTINGS that the peer has not read. */
export const CONTROL_BYTES_MAX = 256 * 1024;
/** A peer that opens streams only to reset them is not one of ours: so many at once, and so many more each second. */
export const PEER_RESETS_MAX = 1000;
export const PEER_RESETS_PER_SECOND = 100;

/** Largest DATA frame we send, where the peer takes it, and what waits in the socket: a PING waits behind both. */
export const DATA_FRAME_BYTES = 2 ** 20;
export const SOCKET_BACKLOG_BYTES = 4 * 2 ** 20;

/** Memory for reads that do not go into a message at once. */
export const READ_BUFFER_BYTES = 256 * 1024;
export const HEAD_BUFFER_BYTES = 8 * 1024;

/** Smaller rests of a message are read with what follows, and copied. */
export const DIRECT_READ_BYTES_MIN = 64 * 1024;

export const CONNECT_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const PING_TIMEOUT_MS = 10_000;
export const FAREWELL_TIMEOUT_MS = 1000;
export const FAREWELL_READS_MAX = 100;
