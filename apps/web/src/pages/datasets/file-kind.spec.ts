import { describe, expect, it } from 'vitest';
import { fileKind, nameOfFile } from './file-kind';

describe('a file that is uploaded', () => {
  it('is text, lines of JSON or tokens by its name', () => {
    expect(fileKind('Moby Dick.txt')).toMatchObject({ contentType: 'text/plain', takesTokenizer: true });
    expect(fileKind('a.jsonl')?.contentType).toBe('application/x-ndjson');
    expect(fileKind('train.bin')).toMatchObject({ contentType: 'application/x-tokens-u16', takesTokenizer: false });
  });

  it('gives the dataset a name that the API takes', () => {
    expect(nameOfFile('Moby Dick (1851).utf8.txt')).toBe('Moby-Dick-1851-.utf8');
    expect(nameOfFile(`${'x'.repeat(300)}.txt`)).toHaveLength(128);
  });
});
