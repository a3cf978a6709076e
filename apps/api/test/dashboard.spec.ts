import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { silentLogger } from '@millrace/core';
import express, { type Request } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { securityHeaders } from '../src/boundary/dashboard/security-headers';
import { ProblemFilter } from '../src/boundary/http/problem.filter';
import { assignRequestId } from '../src/ground/http/request-id';
import { serveDashboard } from '../src/boundary/dashboard/serve-dashboard';

describe('the dashboard', () => {
  let root: string;
  let server: Server;
  let origin: string;
  const folder = (): string => join(root, 'web');
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-web-'));
    const app = express().use(assignRequestId, securityHeaders(false), serveDashboard(folder()));
    app.use((_, response) => void response.status(404).json({ from: 'api' }));
    const filter = new ProblemFilter(silentLogger);
    app.use((error: unknown, request: Request, response: express.Response, _next: express.NextFunction) => {
      filter.catch(error, new ExecutionContextHost([request, response]));
    });
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

  it('answers conditions and ranges that it cannot meet as what they are, in an encoding that can be read', async () => {
    for (const path of ['/assets/app-1a2b.js', '/']) {
      const encoding = { accept: 'text/html', 'accept-encoding': 'br' };
      const changed = await page(path, { ...encoding, 'if-match': '"other"' });
      expect(await changed.json()).toMatchObject({ status: 412, code: 'API.FILE_CHANGED' });
      const beyond = await page(path, { ...encoding, range: 'bytes=1000000-' });
      expect(await beyond.json()).toMatchObject({ status: 416, code: 'API.RANGE_BEYOND_FILE' });
      expect([changed.status, beyond.status]).toEqual([412, 416]);
      expect(beyond.headers.get('content-range')).toMatch(/^bytes \*\/\d+$/);
      expect([changed, beyond].map(({ headers }) => headers.get('content-encoding'))).toEqual([null, null]);
      expect((await page(path, { ...encoding, range: 'bytes=0-1' })).status).toBe(206);
    }
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
    // An attribute can style its own element, but cannot load or read anything.
    expect(policy.replace("style-src-attr 'unsafe-inline'", '')).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('upgrade-insecure-requests');
  });
});
