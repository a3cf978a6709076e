export interface FileKind {
  readonly contentType: string;
  /** Tokens are tokens already. */
  readonly takesTokenizer: boolean;
  readonly what: string;
}

/** What a file is, by its name: text unless it says otherwise. */
export function fileKind(fileName: string): FileKind {
  if (/\.(nd)?jsonl?$/i.test(fileName)) {
    return { contentType: 'application/x-ndjson', takesTokenizer: true, what: 'one JSON object with a text per line' };
  }
  if (/\.(bin|u16|tokens)$/i.test(fileName)) {
    return { contentType: 'application/x-tokens-u16', takesTokenizer: false, what: 'tokens of 16 bits each' };
  }
  return { contentType: 'text/plain', takesTokenizer: true, what: 'text' };
}

/** A dataset's name from a file's: what the API allows, and nothing else. */
export function nameOfFile(fileName: string): string {
  return fileName
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 128);
}
