import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { browserModules } from './browser-modules.mts';

const root = resolve(import.meta.dirname, '../..');
const libs = readdirSync(resolve(root, 'libs'));

/**
 * The dashboard as static files in dist/web, which the API serves. `npx vite apps/web` serves it while it is written,
 * with a live cluster behind it: MILLRACE_ENDPOINT says where.
 */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [browserModules()],
  resolve: { alias: Object.fromEntries(libs.map((lib) => [`@millrace/${lib}`, resolve(root, 'libs', lib, 'src')])) },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: process.env.MILLRACE_ENDPOINT ?? 'http://127.0.0.1:7070', changeOrigin: true } },
  },
  build: {
    outDir: resolve(root, 'dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    // The largest is React, router and frame, which every page needs.
    chunkSizeWarningLimit: 600,
    // No inline data: the content security policy allows addresses of the API's own only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Our libraries do nothing when they are loaded: what is not used of them, gRPC and Node's modules, stays out.
    rolldownOptions: {
      // React packages mark what runs in a browser for servers that render, of which there is none here.
      onLog: (level, log, next) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : next(level, log)),
      treeshake: { moduleSideEffects: [{ test: /[\\/]libs[\\/]/, sideEffects: false }] },
    },
  },
});
