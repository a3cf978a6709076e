import { expect, it } from 'vitest';
import { datasetContentType } from './dataset-files';

it.each([
  ['book.txt', 'text/plain'],
  ['README.MD', 'text/plain'],
  ['chat.JSONL', 'application/x-ndjson'],
  ['chat.json', 'application/x-ndjson'],
  ['TOKENS.BIN', 'application/x-tokens-u16'],
  ['a.txt.bin', 'application/x-tokens-u16'],
])('%s is %s, whatever the case', (name, contentType) => {
  expect(datasetContentType(name)).toBe(contentType);
});

it.each(['book', 'book.pdf', 'book.', 'folder.txt/book', 'book.constructor'])(
  '%s is not taken for anything',
  (name) => {
    expect(datasetContentType(name)).toBeUndefined();
  },
);
