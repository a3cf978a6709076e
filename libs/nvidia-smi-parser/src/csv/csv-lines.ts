export interface TextLine {
  readonly text: string;
  /** Of its first character in the whole text. */
  readonly offset: number;
  /** False for a last line that does not end in a line feed, and so may go on. */
  readonly isTerminated: boolean;
}

/** How lines begin that stand in place of a GPU's row, one that is lost for example, or beside the rows. */
const MESSAGE = /^(?:warning|error|unable to|failed to)\b/i;

/** The lines that hold something; the driver's messages, which stand among them, apart. */
export function splitLines(text: string): { lines: TextLine[]; warnings: string[] } {
  const lines: TextLine[] = [];
  const warnings: string[] = [];
  let offset = 0;
  for (const line of text.split('\n')) {
    const end = offset + line.length;
    if (MESSAGE.test(line)) warnings.push(line.trim().slice(0, 300));
    else if (line.trim() !== '') lines.push({ text: line, offset, isTerminated: end < text.length });
    offset = end + 1;
  }
  return { lines, warnings };
}
