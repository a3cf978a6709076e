// Embeds libs/kernels/src/**/*.wgsl into libs/kernels/src/kernels.generated.ts, so that the built JavaScript carries
// its shaders. A line `// include NAME` stands for NAME.include.wgsl, functions that several shaders call; a
// NAME.template.wgsl gives several shaders (kernels/expand-template.mjs), and a line `// In f16: …` another that stores
// some tensors so (kernels/half-forms.mjs).
// With --check it writes nothing and ends with 1 if the file is not current.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expandTemplate } from './kernels/expand-template.mjs';
import { halfForms } from './kernels/half-forms.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'libs', 'kernels', 'src');
const INCLUDE = '.include.wgsl';
const TEMPLATE = '.template.wgsl';
const target = join(folder, 'kernels.generated.ts');

/** The generated file's text: sorted by name, so that it depends on the shaders alone. */
function generate() {
  const files = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.wgsl'));
  const isInclude = (path) => path.endsWith(INCLUDE);
  const includes = new Map(files.filter(isInclude).map((path) => [basename(path, INCLUDE), textOf(path)]));
  const written = files.filter((path) => !isInclude(path)).flatMap((path) => shadersOf(path, expand(path, includes)));
  const shaders = written.flatMap((shader) => halfForms(shader, includes.get('half_stores')));
  shaders.sort((a, b) => (a.name < b.name ? -1 : 1));
  const repeated = shaders.find(({ name }, index) => name === shaders[index + 1]?.name);
  if (repeated) throw new Error(`two shaders are called ${repeated.name}`);
  const entries = shaders.map(({ name, text }) => {
    const escaped = text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`);
    return `  ${name}: \`${escaped}\`,\n`;
  });
  return [
    '// Generated from libs/kernels/src/**/*.wgsl by `node scripts/gen-kernels.mjs`; do not edit.\n\n',
    '/** Shader text by file name without extension. */\n',
    'export const WGSL: Readonly<Record<string, string>> = {\n',
    ...entries,
    '};\n',
  ].join('');
}

function shadersOf(path, text) {
  return path.endsWith(TEMPLATE) ? expandTemplate(path, text) : [{ name: basename(path, '.wgsl'), text }];
}

function textOf(path) {
  return readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n');
}

function expand(path, includes) {
  return textOf(path).replace(/^\/\/ include (\w+)\n/gm, (_, name) => {
    const text = includes.get(name);
    if (text === undefined) throw new Error(`${path} includes ${name}, and there is no ${name}${INCLUDE}`);
    return text;
  });
}

const text = generate();
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('libs/kernels/src/kernels.generated.ts is not current: run node scripts/gen-kernels.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
