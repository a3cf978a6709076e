export { Http2Connection } from './connection/http2-connection';
export type { Http2Stream, StreamEvents } from './connection/http2-stream';
export { Keepalive } from './connection/keepalive';
export { SocketReader, readThrough } from './connection/socket-reader';
export { connectionLost, http2CodeOf } from './http2.errors';
export type { HeaderFields } from './http2-headers';
