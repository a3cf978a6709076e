import { expect, it } from 'vitest';
import { generateCommand } from './generate-command';

it('asks what the form asks, with the prompt quoted for a shell', () => {
  const input = { prompt: "Don't $HOME", maxTokens: 5, temperature: 0, seed: 7 };
  expect(generateCommand('ckpt_1', input)).toBe(
    String.raw`millrace generate ckpt_1 --prompt 'Don'\''t $HOME' --tokens 5 --temperature 0 --seed 7`,
  );
});
