import { describe, expect, it } from 'vitest';
import { halfForms } from './half-forms.mjs';

const STORES = `// header
fn stored_half(value: f32) -> f16 {
  return f16(value);
}

fn stored_half4(value: vec4f) -> vec4<f16> {
  return vec4<f16>(value);
}
`;

function shader(directives, body) {
  return [
    '// scale — y = a x',
    '// Dispatch: one invocation per element; needs: f32 only',
    ...directives,
    'enable subgroups;',
    '@group(0) @binding(0) var<storage, read> x_L: array<f32>; // [L] x_L is read',
    '@group(0) @binding(1) var<storage, read_write> y_L: array<vec4f>; // [L] y_L is written',
    '@compute @workgroup_size(1)',
    ...body,
    '',
  ].join('\n');
}

describe('halfForms', () => {
  it('converts what is loaded and what is stored, and leaves the shader itself as it is without the lines', () => {
    const body = ['  let x = x_L[i[0] + u32(x_L[1])]; // as x_L[0]', '  y_L[i] = x * y_L[j].x;', '  y_L[x_L[k]] = y;'];
    const text = shader(['// In f16:   x_L', '// In f16 (both): x_L y_L'], body);
    const [plain, one, both] = halfForms({ name: 'scale', text }, STORES);
    expect(plain).toEqual({ name: 'scale', text: shader([], body) });
    expect(one.name).toBe('scale_f16');
    expect(one.text.split('\n')).toEqual([
      '// scale_f16 — y = a x',
      '// Dispatch: one invocation per element; needs: shader-f16',
      'enable f16;',
      'enable subgroups;',
      '@group(0) @binding(0) var<storage, read> x_L: array<f16>; // [L] x_L is read',
      '@group(0) @binding(1) var<storage, read_write> y_L: array<vec4f>; // [L] y_L is written',
      '@compute @workgroup_size(1)',
      '  let x = f32(x_L[i[0] + u32(f32(x_L[1]))]); // as x_L[0]',
      '  y_L[i] = x * y_L[j].x;',
      '  y_L[f32(x_L[k])] = y;',
      '',
    ]);
    expect(both.name).toBe('scale_f16_both');
    const [header, code] = both.text.split('@compute');
    expect(header).toContain('read_write> y_L: array<vec4<f16>>;');
    expect(header).toContain('fn stored_half4(value: vec4f) -> vec4<f16> {');
    expect(header).not.toContain('fn stored_half(');
    expect(code).toContain('  y_L[i] = stored_half4(x * vec4f(y_L[j]).x);');
    expect(code).toContain('  y_L[f32(x_L[k])] = stored_half4(y);');
  });

  it.each([
    ['y_L', '  y_L[i].x = 0.0;', 'scale_f16: "y_L[i].x = 0.0;" uses y_L other than'],
    ['y_L', '  let n = arrayLength(&y_L);', 'scale_f16: "let n = arrayLength(&y_L);" uses y_L other than'],
    ['y_L', '  y_L[i] += x;', 'scale_f16: "y_L[i] += x;" would round each time that it changes y_L'],
    ['z_L', '', 'scale: it has none of z_L'],
  ])('refuses what it cannot convert: %s in "%s"', (tensor, line, message) => {
    expect(() => halfForms({ name: 'scale', text: shader([`// In f16:   ${tensor}`], [line]) }, STORES)).toThrow(
      message,
    );
  });
});
