import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { securityHeaders } from '../src/boundary/dashboard/security-headers';
import { serveDashboard } from '../src/boundary/dashboard/serve-dashboard';

describe('the dashboard', () => {
  let root: string;
  let server: Server;
  let origin: string;
  const folder = (): string => join(root, 'web');
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-web-'));
    const app = express().use(securityHeaders(false), serveDashboard(folder()));
    app.use((_, response) => void response.status(404).json({ from: 'api' }));
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await rm(root, { recursive: true, force: true });
  });
  const page = (path: string, headers: Record<string, string> = { accept: 'text/html' }): Promise<Response> =>
    fetch(`${origin}${path}`, { headers });

  it('that is not built says how to build it', async () => {
    const response = await page('/');
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build');
  });

  it('is its page at every address that is neither a file nor the API', async () => {
    await mkdir(join(folder(), 'assets'), { recursive: true });
    await writeFile(join(folder(), 'index.html'), '<title>page</title>');
    await writeFile(join(folder(), 'assets/app-1a2b.js'), 'plain');
    await writeFile(join(folder(), 'assets/app-1a2b.js.br'), brotliCompressSync('compressed'));
    for (const path of ['/', '/runs', '/runs/run_x?tab=logs']) {
      const response = await page(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('<title>page</title>');
    }
    for (const path of ['/api/v1/nothing', '/metrics', '/assets/missing.js']) {
      const response = await page(path, path.startsWith('/assets') ? { accept: '*/*' } : undefined);
      expect(await response.json()).toEqual({ from: 'api' });
    }
  });

  it('serves hashed files for ever, compressed to whom takes it', async () => {
    const compressed = await page('/assets/app-1a2b.js', { 'accept-encoding': 'br' });
    expect(await compressed.text()).toBe('compressed');
    expect(compressed.headers.get('content-type')).toContain('text/javascript');
    expect(compressed.headers.get('cache-control')).toContain('immutable');
    expect(await (await page('/assets/app-1a2b.js', { 'accept-encoding': 'identity' })).text()).toBe('plain');
  });

  it('gives no file from outside its folder', async () => {
    await writeFile(join(root, 'secret.js'), 'secret');
    for (const path of ['/../secret.js', '/%2e%2e/secret.js', '/assets/..%2f..%2fsecret.js']) {
      expect(await (await page(path)).text()).not.toContain('secret');
    }
  });

  it('may load nothing from elsewhere, and may not be framed', async () => {
    const policy = (await page('/')).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    // An attribute can style what it stands on, not load or read anything.
    expect(policy.replace("style-src-attr 'unsafe-inline'", '')).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('upgrade-insecure-requests');
  });
});
