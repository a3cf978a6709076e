// Embeds libs/kernels/src/**/*.wgsl into libs/kernels/src/kernels.generated.ts, so that the built JavaScript carries
// its shaders. A line `// include NAME` stands for NAME.include.wgsl, functions that several shaders call; a
// NAME.template.wgsl gives several shaders (kernels/expand-template.mjs), and a line `// In f16: …` another that stores
// some tensors so (kernels/half-forms.mjs). The forms that software drivers compile once for all shapes
// (kernels/sized-form.mjs) go into libs/kernels/src/sizes/sized-shaders.generated.ts.
// With --check it writes nothing and ends with 1 if a file is not current.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expandTemplate } from './kernels/expand-template.mjs';
import { halfForms } from './kernels/half-forms.mjs';
import { sizedForm } from './kernels/sized-form.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'libs', 'kernels', 'src');
const INCLUDE = '.include.wgsl';
const TEMPLATE = '.template.wgsl';
const HEAD = '// Generated from libs/kernels/src/**/*.wgsl by `node scripts/gen-kernels.mjs`; do not edit.\n\n';

/** What the shaders give, as [{ name, text }]: sorted by name, so that generated files depend on them alone. */
function allShaders() {
  const files = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.wgsl'));
  const isInclude = (path) => path.endsWith(INCLUDE);
  const includes = new Map(files.filter(isInclude).map((path) => [basename(path, INCLUDE), textOf(path)]));
  const written = files.filter((path) => !isInclude(path)).flatMap((path) => shadersOf(path, expand(path, includes)));
  const shaders = written.flatMap((shader) => halfForms(shader, includes.get('half_stores')));
  shaders.sort((a, b) => (a.name < b.name ? -1 : 1));
  const repeated = shaders.find(({ name }, index) => name === shaders[index + 1]?.name);
  if (repeated) throw new Error(`two shaders are called ${repeated.name}`);
  return shaders;
}

function literal(text) {
  return `\`${text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`)}\``;
}

function textFile(shaders) {
  return [
    HEAD,
    '/** Shader text by file name without extension. */\n',
    'export const WGSL: Readonly<Record<string, string>> = {\n',
    ...shaders.map(({ name, text }) => `  ${name}: ${literal(text)},\n`),
    '};\n',
  ].join('');
}

function sizedFile(shaders) {
  const entries = shaders.flatMap(({ name, text }) => {
    const form = sizedForm(text);
    if (form === undefined) return [];
    const sizes = form.sizes.map(([size, type]) => `${size}: '${type}'`).join(', ');
    return [`  ${name}: {\n    sizes: { ${sizes} },\n    text: ${literal(form.text)},\n  },\n`];
  });
  return [
    HEAD,
    "import type { SizedShader } from './sized-shader';\n\n",
    '/** Shaders whose sizes are in a buffer, by file name without extension. */\n',
    'export const SIZED_SHADERS: Readonly<Record<string, SizedShader>> = {\n',
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

const shaders = allShaders();
const files = [
  ['kernels.generated.ts', textFile(shaders)],
  ['sizes/sized-shaders.generated.ts', sizedFile(shaders)],
];
for (const [name, text] of files) {
  const target = join(folder, name);
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error(`libs/kernels/src/${name} is not current: run node scripts/gen-kernels.mjs`);
    process.exitCode = 1;
  }
}
