import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from '../src';
import { input, output } from '../src/binding';

/** The shader of this folder, with the product's text of Philox in the place of its include. */
export function philoxWordsShader(): string {
  const text = (path: string): string => readFileSync(join(__dirname, path), 'utf8');
  return text('philox_words.wgsl').replace('// include philox\n', text('../src/philox/philox.include.wgsl'));
}

const none = (): never => {
  throw new RangeError('philox_words is launched by its test alone');
};

export const philoxWords: Kernel = {
  name: 'philox_words',
  bindings: [input('counters_N4', 'u32'), input('keys_N2', 'u32'), output('words_N4', 'u32')],
  variant: none,
  reference: none,
  flops: none,
  bytes: none,
  cpu: none,
};
