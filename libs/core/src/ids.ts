import { randomBytes } from 'node:crypto';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

export type RunId = Branded<string, 'RunId'>;
export type AgentId = Branded<string, 'AgentId'>;
export type DatasetId = Branded<string, 'DatasetId'>;
export type CheckpointId = Branded<string, 'CheckpointId'>;
/** Grows with every attempt of a run; a message with a smaller fence is refused. */
export type Fence = Branded<number, 'Fence'>;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** `bytes` of randomness as lower-case base 32 (Crockford), 8 characters per 5 bytes. */
export function randomText(bytes: number, random: (bytes: number) => Uint8Array = randomBytes): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of random(bytes)) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
  }
  return text;
}

/** An id such as `run_4h2k9…`: prefix and 80 random bits. */
export function newId<T extends string = string>(prefix: string, random?: (bytes: number) => Uint8Array): T {
  return `${prefix}_${randomText(10, random)}` as T;
}
