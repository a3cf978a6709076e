import { describe, expect, it } from 'vitest';
import { expandTemplate } from './expand-template.mjs';

const expanded = (lines) => expandTemplate('t.wgsl', lines.join('\n'));

describe('expandTemplate', () => {
  it('gives the shaders that the template names, each with what is said of it', () => {
    const shaders = expanded([
      '#expand sum_nn nn type=f32 rows=2',
      '#expand sum_nt nt type=f16 rows=3',
      '// ${name}',
      '#if nn',
      'let x: ${type} = 0;',
      '#else',
      'let y: ${type} = 0;',
      '#end',
      '#if !nt',
      '#for i rows',
      'c${i} += ${i+4}u;',
      '#end',
      '#end',
      '',
    ]);
    expect(shaders).toEqual([
      { name: 'sum_nn', text: '// sum_nn\nlet x: f32 = 0;\nc0 += 4u;\nc1 += 5u;\n' },
      { name: 'sum_nt', text: '// sum_nt\nlet y: f16 = 0;\n' },
    ]);
  });

  it.each([
    [['fn main() {}'], 't.wgsl:1: a template begins with the shaders that it gives'],
    [['#expand a', '#if x'], 't.wgsl:2: this block has no #end'],
    [['#expand a', '#end'], 't.wgsl:2: "#end" has no meaning here'],
    [['#expand a', '#else'], 't.wgsl:2: "#else" has no meaning here'],
    [['#expand a', '  #when x', '#end'], 't.wgsl:2: "#when x" has no meaning here'],
    [['#expand a', '#if x y', '#end'], 't.wgsl:2: "#if x y" is neither'],
    [['#expand a', '#for i rows', '#end'], 't.wgsl:2: "#for i rows" is not'],
    [['#expand a', '#for i 2', '#for i 2', '#end', '#end'], 't.wgsl:3: "#for i 2" is not'],
    [['#expand a', '${b}'], 't.wgsl:2: ${b} is given by no #expand and no #for'],
    [['#expand a b b', ''], 't.wgsl:1: a word is given twice'],
  ])('says where %j is wrong', (lines, message) => {
    expect(() => expanded(lines)).toThrow(message);
  });
});
