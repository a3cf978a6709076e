import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import type { ApiConfig } from '../config/api-config';
import type { PemPair } from './certificate-parts';
import { makeAuthority, makeCertificate } from './made-certificates';

const RENEWAL_MS = 30 * 86_400_000;
const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Makes the missing files of `HOME/tls` if the API is to make certificates: an authority at the first start (`ca.pem`,
 * which clients trust), and a certificate if there is none, if it ends soon, or if the names have changed.
 */
export async function ensureTlsFiles(config: ApiConfig, nowMs: number): Promise<void> {
  if (config.tls?.made !== true) return;
  const { cert, key } = config.tls;
  const folder = dirname(cert);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await ensureAuthority(folder, nowMs);
  const names = servedNames(config);
  const [known, knownKey] = await Promise.all([cert, key].map((path) => readFile(path, 'utf8').catch(() => undefined)));
  if (known !== undefined && knownKey !== undefined) {
    if (isGood({ certificate: known, key: knownKey }, { authority, names, nowMs })) return;
  }
  const made = await makeCertificate({ authority, names, nowMs });
  await writeWhole(key, made.key);
  await writeWhole(cert, `${made.certificate}${authority.certificate}`);
}

async function ensureAuthority(folder: string, nowMs: number): Promise<PemPair> {
  const [certificatePath, keyPath] = [join(folder, 'ca.pem'), join(folder, 'ca-key.pem')];
  const [certificate, key] = await Promise.all(
    [certificatePath, keyPath].map((path) => readFile(path, 'utf8').catch(() => undefined)),
  );
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  const made = await makeAuthority(nowMs);
  await writeWhole(keyPath, made.key);
  // Others need it to trust this API: it is copied to other machines, and whoever runs an agent reads it there.
  await writeWhole(certificatePath, made.certificate, 0o644);
  return made;
}

/** Every name by which this machine may be reached. */
function servedNames({ host, tlsNames }: Pick<ApiConfig, 'host' | 'tlsNames'>): string[] {
  const everywhere = EVERY_ADDRESS.has(host);
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const own = everywhere ? addresses.filter((address) => !address.includes('%')) : [host];
  return [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...own, ...tlsNames])];
}

/** A start that was interrupted may have left a new key beside an old certificate. */
function isGood(
  pair: PemPair,
  { authority, names, nowMs }: { authority: PemPair; names: readonly string[]; nowMs: number },
): boolean {
  const certificate = new X509Certificate(pair.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return false;
  const lasts = Date.parse(certificate.validTo) - nowMs > RENEWAL_MS;
  const covers = names.every(
    (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
  );
  return lasts && covers && certificate.checkIssued(new X509Certificate(authority.certificate));
}

async function writeWhole(path: string, text: string, mode = 0o600): Promise<void> {
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
}
