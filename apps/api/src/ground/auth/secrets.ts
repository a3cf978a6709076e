import { createHash } from 'node:crypto';
import { randomText } from '@millrace/core';

/** 256 random bits cannot be guessed, so that a plain hash of them may be stored. */
const SECRET_BYTES = 32;

/** Makes a secret such as `mlr_4h2k…`; by the prefix, scanners recognise one that has leaked. */
export function newSecret(prefix: 'mlr' | 'mlrjoin' | 'mlragent' | 'mlrsession'): string {
  return `${prefix}_${randomText(SECRET_BYTES)}`;
}

/** The form in which a secret is stored. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
