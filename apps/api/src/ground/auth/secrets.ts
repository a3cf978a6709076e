import { createHash } from 'node:crypto';
import { randomText } from '@millrace/core';

/** 256 random bits, so that guessing is hopeless and a plain hash is enough to keep. */
const SECRET_BYTES = 32;

/** A secret such as `mlr_4h2k…`: the prefix lets scanners find one that leaked. */
export function newSecret(prefix: 'mlr' | 'mlrjoin' | 'mlragent' | 'mlrsession'): string {
  return `${prefix}_${randomText(SECRET_BYTES)}`;
}

/** What is kept of a secret. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
