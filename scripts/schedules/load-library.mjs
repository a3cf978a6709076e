import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import typescript from 'typescript';
import { ROOT } from '../process/stamp.mjs';

/** libs/pipeline as it stands in the sources: generation must not depend on what was built last. */
export function loadPipeline() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-schedules-'));
  try {
    for (const lib of ['core', 'pipeline']) transpile(lib, folder);
    return createRequire(import.meta.url)(join(folder, 'pipeline', 'index.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function transpile(lib, folder) {
  const sources = join(ROOT, 'libs', lib, 'src');
  const options = { target: 'ES2023', module: 'commonjs' };
  for (const file of readdirSync(sources, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.spec.ts')) continue;
    const text = readFileSync(join(sources, file), 'utf8');
    const { outputText } = typescript.transpileModule(text, { compilerOptions: options });
    const target = join(folder, lib, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText.replaceAll('"@millrace/core"', JSON.stringify(join(folder, 'core'))));
  }
}
