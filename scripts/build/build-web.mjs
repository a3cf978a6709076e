import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { ROOT, hashFiles, readStamp, writeStamp } from '../process/stamp.mjs';

const WEB = join(ROOT, 'dist/web');
const INPUTS = [
  ...['apps/web', 'libs/core', 'libs/contracts', 'libs/pipeline', 'libs/sdk'],
  ...['tsconfig.json', 'package-lock.json', 'scripts/build/build-web.mjs'],
];
const COMPRESSED = /\.(js|css|html|svg)$/;

/** Bundles the dashboard to dist/web, with compressed copies beside each file, so that the API compresses nothing. */
export async function buildWeb() {
  const key = hashFiles(INPUTS);
  if (readStamp('build-web')?.key === key && existsSync(join(WEB, 'index.html'))) return;
  console.log('building the dashboard');
  const { build } = await import('vite');
  await build({ configFile: join(ROOT, 'apps/web/vite.config.mts'), logLevel: 'warn' });
  await Promise.all(webFiles().map((file) => compress(join(WEB, file))));
  writeStamp('build-web', { key });
}

function webFiles() {
  return readdirSync(WEB, { recursive: true }).filter((file) => COMPRESSED.test(file));
}

async function compress(path) {
  const bytes = readFileSync(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  writeFileSync(`${path}.br`, await promisify(brotliCompress)(bytes, quality));
  writeFileSync(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}
