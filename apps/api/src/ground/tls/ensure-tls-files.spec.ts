import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiConfig } from '../config/api-config';
import { ensureTlsFiles } from './ensure-tls-files';

/** 27 days before the certificate ends. */
const LATE_MS = 370 * 86_400_000;

describe('certificates that are made', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const config = (more: Record<string, string> = {}): ApiConfig =>
    ApiConfig.fromEnvironment({
      DATABASE_URL: 'postgresql://x@127.0.0.1/x',
      MILLRACE_HOME: home,
      MILLRACE_TLS: 'made',
      ...more,
    });
  const read = (name: string): Promise<string> => readFile(join(home, 'tls', name), 'utf8');

  it('are trusted by who trusts the authority, and by nobody else', async () => {
    await ensureTlsFiles(config(), Date.now());
    const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
    const server = createServer({ cert, key }, (_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = (options: object): Promise<string> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/', agent: false, ...options }, (response) => {
          response.once('data', (data: Buffer) => resolve(data.toString()));
        }).on('error', reject);
      });
    try {
      expect(await ask({ ca })).toBe('hello');
      expect(await ask({ ca, host: 'localhost', family: 4 })).toBe('hello');
      await expect(ask({})).rejects.toThrow(/certificate/);
      await expect(ask({ ca, servername: 'elsewhere.example' })).rejects.toThrow(/altnames/);
    } finally {
      server.close();
    }
  });

  it('are kept over starts, with their keys for the owner alone', async () => {
    await ensureTlsFiles(config(), Date.now());
    const before = [await read('ca.pem'), await read('cert.pem')];
    await ensureTlsFiles(config(), Date.now());
    expect([await read('ca.pem'), await read('cert.pem')]).toEqual(before);
    const modeOf = async (name: string): Promise<number> => (await stat(join(home, 'tls', name))).mode & 0o777;
    for (const name of ['key.pem', 'ca-key.pem']) expect(await modeOf(name)).toBe(0o600);
    // The mode is as open as the user's mask allows.
    expect(await modeOf('ca.pem')).toBe(0o644 & ~process.umask());
  });

  it('are renewed under the same authority when they end or the names change', async () => {
    await ensureTlsFiles(config(), Date.now());
    const [ca, first] = [await read('ca.pem'), await read('cert.pem')];
    await ensureTlsFiles(config({ MILLRACE_TLS_NAMES: 'gpu.example,192.0.2.7' }), Date.now());
    const second = await read('cert.pem');
    expect(second).not.toBe(first);
    const certificate = new X509Certificate(second);
    expect(certificate.subjectAltName).toContain('DNS:gpu.example');
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
    await ensureTlsFiles(config({ MILLRACE_TLS_NAMES: 'gpu.example,192.0.2.7' }), Date.now() + LATE_MS);
    expect(await read('cert.pem')).not.toBe(second);
    expect(await read('ca.pem')).toBe(ca);
    expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);
  });
});
