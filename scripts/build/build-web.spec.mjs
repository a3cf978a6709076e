import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../process/stamp.mjs';

const WEB = join(ROOT, 'dist/web');
const COMPRESSED_BYTES_MAX = 400_000;

describe('the bundle of the dashboard', () => {
  it('is below 400 kB in Brotli, whatever of it a visitor loads', (context) => {
    if (!existsSync(WEB)) return context.skip('dist/web is not built: npm run build');
    const files = readdirSync(WEB, { recursive: true }).filter((file) => file.endsWith('.br'));
    const bytes = files.reduce((sum, file) => sum + statSync(join(WEB, file)).size, 0);
    expect(files.some((file) => file.endsWith('.js.br'))).toBe(true);
    expect(bytes).toBeLessThan(COMPRESSED_BYTES_MAX);
  });

  it('has a compressed copy beside each file that gains by it', (context) => {
    if (!existsSync(WEB)) return context.skip('dist/web is not built: npm run build');
    const files = readdirSync(WEB, { recursive: true });
    const alone = files.filter((file) => /\.(js|css|html|svg)$/.test(file) && !files.includes(`${file}.br`));
    expect(alone).toEqual([]);
  });
});
