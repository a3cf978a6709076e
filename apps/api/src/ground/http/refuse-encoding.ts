import type { Request } from 'express';
import { contentEncodingUnknown } from './boundary.errors';

/** @throws AppError API.CONTENT_ENCODING_UNKNOWN for a compressed body, which could unpack to any size */
export function refuseEncoding(request: Request): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw contentEncodingUnknown(encoding);
}
