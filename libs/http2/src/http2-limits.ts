/** How many bytes a peer may make us hold. Credits hold a sender back long before this window does. */
export const WINDOW_BYTES = 64 * 2 ** 20;
/** Windows are widened in steps of this size. */
export const WINDOW_STEP_BYTES = WINDOW_BYTES / 4;
export const CONCURRENT_STREAMS_MAX = 100;
/** The bound of an encoded block with all its CONTINUATIONs. No frame of any type but DATA is larger either. */
export const HEADER_BLOCK_BYTES_MAX = 32 * 1024;
export const CONTINUATIONS_MAX = 16;
/** The bound of decoded headers, counted as RFC 9113, section 6.5.2, says. */
export const HEADER_LIST_BYTES_MAX = 64 * 1024;
/** How many bytes of answers to PING and SETTINGS may wait for the peer to read them. */
export const CONTROL_BYTES_MAX = 256 * 1024;
/**
 * So many streams may a peer reset at once, and so many more each second. A peer that opens streams only to reset them
 * is not one of ours.
 */
export const PEER_RESETS_MAX = 1000;
export const PEER_RESETS_PER_SECOND = 100;

/**
 * The size of the largest DATA frame we send, if the peer accepts it, and of what may wait in the socket: a PING waits
 * behind both.
 */
export const DATA_FRAME_BYTES = 2 ** 20;
export const SOCKET_BACKLOG_BYTES = 4 * 2 ** 20;

/** Memory for reads that do not go directly into a message. */
export const READ_BUFFER_BYTES = 256 * 1024;
export const HEAD_BUFFER_BYTES = 8 * 1024;

/** If less than this is left of a message, it is read together with what follows, and copied. */
export const DIRECT_READ_BYTES_MIN = 64 * 1024;

export const CONNECT_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const PING_TIMEOUT_MS = 10_000;
export const FAREWELL_TIMEOUT_MS = 1000;
export const FAREWELL_READS_MAX = 100;
