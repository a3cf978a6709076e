import type { Request } from 'express';
import { bodyTooLarge, contentTypeUnknown } from './boundary.errors';
import { refuseEncoding } from './refuse-encoding';

export interface UploadLimits {
  readonly types: readonly string[];
  readonly bytesMax: number;
}

/**
 * Checks what an upload's headers tell before its first byte. @returns its Content-Type, parameters included
 * @throws AppError API.CONTENT_TYPE_UNKNOWN, API.CONTENT_ENCODING_UNKNOWN, API.BODY_TOO_LARGE
 */
export function acceptUpload(request: Request, { types, bytesMax }: UploadLimits): string {
  const given = request.headers['content-type'];
  const type = given?.split(';')[0]?.trim().toLowerCase();
  if (given === undefined || type === undefined || !types.includes(type)) throw contentTypeUnknown(given, types);
  refuseEncoding(request);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw bodyTooLarge(bytesMax);
  return given;
}
