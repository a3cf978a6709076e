import { assert } from '@millrace/core';
import type { KernelTarget, KernelVariant } from '../kernel';
import { WGSL } from '../kernels.generated';
import { SIZED_SHADERS } from './sized-shaders.generated';

/** What a variant is compiled from, and what it is told of its sizes. */
export interface ShaderForm {
  /** WGSL, or undefined if there is no such file. */
  readonly text: string | undefined;
  /** Values of the overrides. */
  readonly constants: Readonly<Record<string, number>>;
  /** The content of a uniform buffer that is bound behind the tensors in group 0, if the text asks for one. */
  readonly sizes?: Uint8Array<ArrayBuffer>;
}

/** Uniforms are bound in whole vectors. */
const VECTOR_BYTES = 16;
const MEMBER_BYTES = 4;

/** All that a variant's overrides say is compiled in. */
export function constantForm({ wgsl, overrides }: KernelVariant): ShaderForm {
  return { text: WGSL[wgsl], constants: overrides };
}

/** Sizes are in a buffer; undefined for shaders that have no such form. */
export function sizedForm({ wgsl, overrides }: KernelVariant): ShaderForm | undefined {
  const shader = SIZED_SHADERS[wgsl];
  if (shader === undefined) return undefined;
  const members = Object.entries(shader.sizes);
  const bytes = new Uint8Array(VECTOR_BYTES * Math.ceil((MEMBER_BYTES * members.length) / VECTOR_BYTES));
  const view = new DataView(bytes.buffer);
  for (const [index, [name, type]] of members.entries()) {
    const value = overrides[name];
    assert(value !== undefined, `${wgsl} is launched without ${name}`);
    if (type === 'f32') view.setFloat32(MEMBER_BYTES * index, value, true);
    else {
      assert(value === value >>> 0, `${name} of ${wgsl} is ${value}, and no whole number of 32 bits`);
      view.setUint32(MEMBER_BYTES * index, value, true);
    }
  }
  const constants = Object.fromEntries(Object.entries(overrides).filter(([name]) => !(name in shader.sizes)));
  return { text: shader.text, constants, sizes: bytes };
}

/**
 * A software driver takes most of a second to compile a shader, and keeps what it made on disk: told sizes in a buffer,
 * it compiles nothing for a new shape. GPUs' compilers are fast, and make use of constants.
 */
export function shaderForm(variant: KernelVariant, { adapterClass }: KernelTarget): ShaderForm {
  return (adapterClass === 'cpu' ? sizedForm(variant) : undefined) ?? constantForm(variant);
}
