const ID = /\b(run|agent|dataset)_[0-9a-z]{8,}\b/g;
const FOLDERS: Readonly<Record<string, string>> = { run: '/runs', agent: '/agents', dataset: '/datasets' };

export interface TextPiece {
  readonly text: string;
  /** The path of the page that the id belongs to; undefined for text between ids. */
  readonly path?: string;
}

/** Splits a text into ids and the text between them. */
export function splitIds(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  for (const match of text.matchAll(ID)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: match[0], path: `${FOLDERS[match[1] ?? ''] ?? ''}/${match[0]}` });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}
