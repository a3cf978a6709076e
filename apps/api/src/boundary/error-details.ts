import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AppError } from '@millrace/core';

const TYPES = 'type.googleapis.com/google.rpc';

/**
 * A serialized google.rpc.Status, as clients expect it in the trailer `grpc-status-details-bin`: an ErrorInfo with the
 * stable code, and a BadRequest with the fields to blame. The four messages are small and will not change, so they are
 * written by hand (google/rpc/status.proto, google/rpc/error_details.proto).
 */
export function errorDetails(code: number, message: string, error: Pick<AppError, 'code' | 'fields'>): Buffer {
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
  return Buffer.from(status.finish());
}

/** google.protobuf.Any */
function any(type: string, value: BinaryWriter): Uint8Array {
  return new BinaryWriter().uint32(tag(1)).string(`${TYPES}.${type}`).uint32(tag(2)).bytes(value.finish()).finish();
}

/** Of a field that has a length: strings, bytes, messages. */
function tag(fieldNumber: number): number {
  return (fieldNumber << 3) | 2;
}
