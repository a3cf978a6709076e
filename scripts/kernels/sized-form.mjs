/**
 * The form of a shader that is compiled once for all shapes: what `override NAME: u32;` or `f32` tells it when it is
 * compiled, it reads from a buffer that is bound after its tensors. Compiled in as before are the size of a workgroup
 * and whatever else is used outside of functions, and flags of type bool.
 */
const DECLARATION = /^override (\w+): (u32|f32);.*$/gm;
/** Sizes that follow from others when it is compiled, and memory of workgroups: GPUs' shaders, which have none. */
const FOR_GPUS = /^override [^;]+=|var<workgroup>/m;

/** { sizes: [[name, type], …], text without comments }, or undefined where there is none. */
export function sizedForm(source) {
  const code = source.replace(/[ \t]*\/\/.*$/gm, '');
  if (FOR_GPUS.test(code)) return undefined;
  const outside = code.replace(DECLARATION, '').replace(/^[ \t].*$/gm, '');
  const sizes = [...code.matchAll(DECLARATION)]
    .map(([, name, type]) => [name, type])
    .filter(([name]) => !new RegExp(`\\b${name}\\b`).test(outside));
  if (sizes.length === 0) return undefined;
  const names = sizes.map(([name]) => name).join('|');
  const members = sizes.map(([name, type]) => `  ${name}: ${type},`).join('\n');
  const binding = code.match(/^@group\(0\)/gm).length;
  const text = code
    .replace(new RegExp(`^override (${names}): .*$`, 'gm'), '')
    .replace(new RegExp(`\\b(${names})\\b`, 'g'), 'sizes.$1')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  const declared = `struct Sizes {\n${members}\n}\n@group(0) @binding(${binding}) var<uniform> sizes: Sizes;`;
  return { sizes, text: `${text}\n\n${declared}\n` };
}
