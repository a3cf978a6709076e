import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AppError } from '@millrace/core';

const TYPES = 'type.googleapis.com/google.rpc';

/**
 * A serialized google.rpc.Status, which clients expect in the trailer `grpc-status-details-bin`: an ErrorInfo with the
 * stable code, a BadRequest with the fields that are wrong, and a RetryInfo if waiting helps. These messages are small
 * and will not change, so that they are encoded by hand (google/rpc/status.proto, google/rpc/error_details.proto).
 */
export function errorDetails(
  code: number,
  message: string,
  error: Pick<AppError, 'code' | 'fields' | 'details'>,
): Buffer {
  const info = new BinaryWriter().uint32(tag(1)).string(error.code).uint32(tag(2)).string('millrace');
  const status = new BinaryWriter().uint32(8).int32(code).uint32(tag(2)).string(message);
  status.uint32(tag(3)).bytes(any('ErrorInfo', info));
  const { fields } = error;
  if (fields.length > 0) {
    const request = new BinaryWriter();
    for (const { path, message: reason } of fields) {
      const violation = new BinaryWriter().uint32(tag(1)).string(path).uint32(tag(2)).string(reason);
      request.uint32(tag(1)).bytes(violation.finish());
    }
    status.uint32(tag(3)).bytes(any('BadRequest', request));
  }
  const { retryAfterMs } = error.details;
  if (typeof retryAfterMs === 'number') status.uint32(tag(3)).bytes(any('RetryInfo', retryInfo(retryAfterMs)));
  return Buffer.from(status.finish());
}

/** Its one field is a google.protobuf.Duration. */
function retryInfo(retryAfterMs: number): BinaryWriter {
  const nanos = Math.round(retryAfterMs % 1_000) * 1_000_000;
  const delay = new BinaryWriter()
    .uint32(8)
    .int64(Math.floor(retryAfterMs / 1_000))
    .uint32(16)
    .int32(nanos);
  return new BinaryWriter().uint32(tag(1)).bytes(delay.finish());
}

/** google.protobuf.Any */
function any(type: string, value: BinaryWriter): Uint8Array {
  return new BinaryWriter().uint32(tag(1)).string(`${TYPES}.${type}`).uint32(tag(2)).bytes(value.finish()).finish();
}

/** The tag of a field that has a length: a string, bytes or a message. */
function tag(fieldNumber: number): number {
  return (fieldNumber << 3) | 2;
}
