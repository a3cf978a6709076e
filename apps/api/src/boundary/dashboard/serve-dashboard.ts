import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RequestHandler, static as serveStatic } from 'express';
import type { NextFunction, Request, Response } from 'express';
import { prismaFolder } from '../../ground/database/migrations';

const YEAR_SECONDS = 31_536_000;
/** Addresses of the API, at which there never is a page. */
const API_PATH = /^\/(api|healthz|readyz|metrics)(\/|$)/;
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
};

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Millrace</title>
<h1>The dashboard is not built</h1>
<p>The API runs, but the folder <code>dist/web</code> is missing. Build it with <code>npm run build</code> and load this
page again. The API is documented at <a href="/api/docs">/api/docs</a>.</p>
</html>
`;

/**
 * The folder that the build writes the dashboard to, which is beside the compiled apps, also when this file runs
 * uncompiled.
 */
export function dashboardFolder(): string {
  return join(prismaFolder(), '..', 'dist', 'web');
}

/**
 * Serves the dashboard's files. Every other address that is not the API's is answered with the dashboard's page, which
 * reads the address itself. If the folder is missing, a page says so.
 */
export function serveDashboard(folder: string): RequestHandler {
  const files = serveStatic(folder, { index: false, redirect: false, setHeaders: setCaching });
  return (request, response, next) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads || API_PATH.test(request.path)) return next();
    const url = request.url;
    preferCompressed(folder, request, response);
    files(request, response, (error?: unknown) => {
      request.url = url;
      if (error) next(error);
      else servePage(folder, { request, response, next });
    });
  };
}

function servePage(
  folder: string,
  { request, response, next }: { request: Request; response: Response; next: NextFunction },
): void {
  // A missing script must not be answered with a page. '/' is a page for every client.
  const wantsPage = request.path === '/' || (request.headers.accept ?? '').includes('text/html');
  if (!wantsPage) return next();
  response.setHeader('Cache-Control', 'no-cache');
  if (existsSync(join(folder, 'index.html'))) return response.sendFile('index.html', { root: folder });
  response.status(503).type('html').send(NOT_BUILT);
}

/** If the build left a compressed copy of the file, the copy is sent to clients that accept it. */
function preferCompressed(folder: string, request: Request, response: Response): void {
  const { path } = request;
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined || path.includes('..')) return;
  response.vary('Accept-Encoding');
  const encoding = ENCODINGS.find(
    ({ name, suffix }) => request.acceptsEncodings(name) !== false && existsSync(join(folder, `${path}${suffix}`)),
  );
  if (encoding === undefined) return;
  request.url = `${path}${encoding.suffix}`;
  response.setHeader('Content-Encoding', encoding.name);
  response.setHeader('Content-Type', type);
}

/** Files that Vite names by their content never change; browsers must ask again for all others. */
function setCaching(response: Response | import('node:http').ServerResponse, path: string): void {
  const hashed = path.includes(`${join('web', 'assets')}`);
  response.setHeader('Cache-Control', hashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache');
}
