import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { yamlObstacle } from './yaml-shape';

const ROOT = join(__dirname, '../../../../..');

describe('the shape of a YAML text', () => {
  it('lets run specs pass, with quotes, comments, lists and a long schedule in one text', () => {
    expect(yamlObstacle(readFileSync(join(ROOT, 'examples/moby-gpt.yaml'), 'utf8'))).toBeUndefined();
    const csv = Array.from({ length: 64 }, (_, rank) => `    ${rank}F0,${'0B0,'.repeat(4000)}`).join('\n');
    const spec = `name: "why? because"\n# [[ a ? {}]]\ndata:\n  - a: [b, {c: d}]\n    e: f\nscheduleCsv: |\n${csv}\n`;
    expect(yamlObstacle(spec)).toBeUndefined();
  });

  it.each([
    ['brackets that open without end', '['.repeat(1000), 1, 'brackets'],
    ['braces that open without end', `a: 1\nb: ${'{'.repeat(70)}`, 2, 'brackets'],
    ['lists in lists on one line', `${'- '.repeat(60)}a`, 1, 'indented'],
    ['keys that are collections', '? '.repeat(300), 1, 'explicit keys'],
    ['such a key inside a list', 'a:\n  - ? b', 2, 'explicit keys'],
    ['such a key between brackets', 'a: [b, ? c]', 1, 'explicit keys'],
    [
      'indentation without end',
      Array.from({ length: 200 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
      102,
      'indented',
    ],
    ['lines without end', 'a: 1\n'.repeat(60_000), 50_001, 'lines'],
    ['entries without end', `a: [${'1,'.repeat(60_000)}]`, 1, 'lines'],
  ])('refuses %s', (_, text, line, word) => {
    const obstacle = yamlObstacle(text);
    expect(obstacle?.line).toBe(line);
    expect(obstacle?.reason).toContain(word);
  });
});
