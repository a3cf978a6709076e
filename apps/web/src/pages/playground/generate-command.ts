import type { GenerateInput } from './generate-form';

/** The command that generates the same text, quoted for a POSIX shell. */
export function generateCommand(checkpoint: string, { prompt, maxTokens, temperature, seed }: GenerateInput): string {
  const quoted = `'${prompt.replaceAll("'", String.raw`'\''`)}'`;
  const numbers = `--tokens ${maxTokens} --temperature ${temperature} --seed ${seed}`;
  return `millrace generate ${checkpoint} --prompt ${quoted} ${numbers}`;
}
