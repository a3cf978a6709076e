import { describe, expect, it } from 'vitest';
import { sizedForm } from './sized-form.mjs';

const shader = (...lines) => `${lines.join('\n')}\n`;

describe('sizedForm', () => {
  it('reads sizes from a buffer behind the tensors, and keeps what is compiled in', () => {
    const source = shader(
      '// scale — y = SCALE x, L elements',
      '@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] terms',
      '@group(0) @binding(1) var<storage, read_write> y_L: array<f32>; // [L] result',
      'override WG: u32;',
      'override L: u32;',
      'override SCALE: f32; // factor',
      'override FLAG: bool;',
      '@compute @workgroup_size(WG)',
      'fn main(@builtin(global_invocation_id) id: vec3u) {',
      '  if (id.x < L && FLAG) { // L is known late',
      '    y_L[id.x] = SCALE * x_L[id.x];',
      '  }',
      '}',
    );
    expect(sizedForm(source)).toEqual({
      sizes: [
        ['L', 'u32'],
        ['SCALE', 'f32'],
      ],
      text: shader(
        '@group(0) @binding(0) var<storage, read> x_L: array<f32>;',
        '@group(0) @binding(1) var<storage, read_write> y_L: array<f32>;',
        'override WG: u32;',
        '',
        'override FLAG: bool;',
        '@compute @workgroup_size(WG)',
        'fn main(@builtin(global_invocation_id) id: vec3u) {',
        '  if (id.x < sizes.L && FLAG) {',
        '    y_L[id.x] = sizes.SCALE * x_L[id.x];',
        '  }',
        '}',
        '',
        'struct Sizes {',
        '  L: u32,',
        '  SCALE: f32,',
        '}',
        '@group(0) @binding(2) var<uniform> sizes: Sizes;',
      ),
    });
  });

  it.each([
    ['a size that follows from another', ['override C: u32;', 'override PACKS: u32 = C / 4u;', 'fn main() {', '}']],
    ['memory of a workgroup', ['override L: u32;', 'var<workgroup> tile: array<f32, 64>;', 'fn main() {', '}']],
    ['no sizes', ['override WG: u32;', '@compute @workgroup_size(WG)', 'fn main() {', '}']],
  ])('is not there for a shader with %s', (_, lines) => {
    expect(sizedForm(shader(...lines))).toBeUndefined();
  });
});
