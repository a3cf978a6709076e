// The package's dependency injection needs this import before any other.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const DAY_MS = 86_400_000;
/** Clocks differ, so that a certificate is valid from an hour ago. */
const BACKDATE_MS = 3_600_000;
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

export async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

export async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key);
  return pemText(x509.PemConverter.encode(bytes, x509.PemConverter.PrivateKeyTag));
}

export async function readKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);
}

export function lifetime(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** A positive number, which is too long to be guessed or to occur twice. */
export function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

export function pemText(pem: string): string {
  return `${pem.trim()}\n`;
}
