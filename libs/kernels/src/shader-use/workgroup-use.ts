import { assert } from '@millrace/core';
import type { Dims, KernelVariant, VariantNeeds } from '../kernel';
import { WGSL } from '../kernels.generated';

/** Bytes of types that have no parameters, which are also their alignments. */
const TYPE_BYTES: Readonly<Record<string, number>> = {
  ...{ f32: 4, u32: 4, i32: 4, f16: 2 },
  ...{ vec2f: 8, vec2u: 8, vec2i: 8, vec4f: 16, vec4u: 16, vec4i: 16, vec2h: 4, vec4h: 8 },
};

/**
 * What a variant's shader asks of an adapter: invocations and memory of a workgroup, as its WGSL and overrides say. It
 * is read from the text, so that no descriptor can state less than its shader takes.
 */
export function workgroupUse({ wgsl, overrides }: KernelVariant): VariantNeeds {
  const source = WGSL[wgsl];
  assert(source !== undefined, `there is no shader ${wgsl}`);
  const text = source.replaceAll(/\/\/.*/g, '');
  const names = new NamedValues(text, overrides);
  const size = /@workgroup_size\(([^)]*)\)/.exec(text)?.[1] ?? '1';
  const workgroupSize = size.split(',').reduce((product, side) => product * names.evaluate(side), 1);
  const variables = [...text.matchAll(/var<workgroup> \w+: ([^;]+);/g)];
  // Dawn rounds the size of each variable up to 16 bytes.
  const bytes = variables.map(([, type]) => 16 * Math.ceil(names.typeBytes(type!) / 16));
  return { workgroupSize, workgroupBytes: bytes.reduce((sum, each) => sum + each, 0) };
}

/** The constants, overrides and aliases that a shader declares. */
class NamedValues {
  private readonly values: ReadonlyMap<string, string>;
  private readonly aliases: ReadonlyMap<string, string>;

  constructor(
    text: string,
    private readonly overrides: Dims,
  ) {
    const declared = text.matchAll(/(?:const|override) (\w+)(?:: \w+)? = ([^;]+);/g);
    this.values = new Map([...declared].map(([, name, value]) => [name!, value!]));
    this.aliases = new Map([...text.matchAll(/alias (\w+) = ([^;]+);/g)].map(([, name, type]) => [name!, type!]));
  }

  typeBytes(given: string): number {
    const type = given.trim();
    const alias = this.aliases.get(type);
    if (alias !== undefined) return this.typeBytes(alias);
    const array = /^array<(.+),([^,]+)>$/s.exec(type);
    if (array !== null) return this.typeBytes(array[1]!) * this.evaluate(array[2]!);
    const bytes = TYPE_BYTES[type.replace(/^atomic<(\w+)>$/, '$1')];
    assert(bytes !== undefined, `the size of the WGSL type ${type} is not known: add it to TYPE_BYTES`);
    return bytes;
  }

  /** Sums and products of whole numbers and names, as sizes of workgroups and arrays are. */
  evaluate(expression: string): number {
    const tokens = expression.match(/\d+u?|\w+|[-+*/%()]/g) ?? [];
    let next = 0;
    const atom = (): number => {
      const token = tokens[next++];
      if (token === '(') {
        const value = sum();
        next++;
        return value;
      }
      assert(token !== undefined && /^\w+$/.test(token), `the WGSL expression ${expression} is not understood`);
      return /^\d/.test(token) ? parseInt(token, 10) : this.named(token);
    };
    const product = (): number => {
      let value = atom();
      while (/^[*/%]$/.test(tokens[next] ?? '')) {
        const sign = tokens[next++];
        const other = atom();
        value = sign === '*' ? value * other : sign === '/' ? Math.floor(value / other) : value % other;
      }
      return value;
    };
    const sum = (): number => {
      let value = product();
      while (/^[-+]$/.test(tokens[next] ?? '')) value += tokens[next++] === '+' ? product() : -product();
      return value;
    };
    const value = sum();
    assert(next === tokens.length, `the WGSL expression ${expression} is not understood`);
    return value;
  }

  private named(name: string): number {
    const given = this.overrides[name];
    if (given !== undefined) return given;
    const value = this.values.get(name);
    assert(value !== undefined, `the WGSL name ${name} has no value`);
    return this.evaluate(value);
  }
}
