import { describe, expect, it } from 'vitest';
import { parseYaml } from './parse-yaml';
import { tooDeepLine } from './yaml-nesting';

/** Each nests once more with every repetition, also where the grammar forbids it. */
const NESTING = ['a: ', '? ', ': ', '[', '{', '"a": ', '*x : ', '&x a: ', '!t a: '];
const BEFORE = ['', 'a: ', '&x ', '- '];
const PAIRS = BEFORE.flatMap((before) => NESTING.map((piece) => [before, piece] as const));

describe('values nested in each other', () => {
  it.each([...PAIRS, ['', '- '] as const, ['a: [', 'a: '] as const])(
    'are refused before anything recurses into them: %j, and %j without end',
    (before, piece) => {
      expect(parseYaml(`${before}${piece.repeat(3_000)}`)).toEqual({
        reason: expect.stringContaining('nest less deeply (line 1)') as string,
      });
    },
  );

  it('are taken to the depth that documents may have, in every notation', () => {
    const blocks = Array.from({ length: 40 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
    expect(tooDeepLine(`${blocks}\n${' '.repeat(40)}${'['.repeat(20)}${']'.repeat(20)}`)).toBeUndefined();
  });

  it('are refused with their line', () => {
    expect(tooDeepLine(`a: 1\nb:\n  c: ${'? '.repeat(100)}`)).toBe(3);
    expect(parseYaml(`a: ${'? '.repeat(7_000)}`)).toEqual({
      reason: 'more than 64 values are nested in each other: nest less deeply (line 1)',
    });
  });
});
