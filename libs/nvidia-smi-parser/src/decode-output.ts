/** Text of an output, and what is odd about its bytes. */
export interface DecodedOutput {
  readonly text: string;
  readonly warnings: readonly string[];
}

/**
 * Bytes to text. Windows PowerShell redirects as UTF-16 with a byte order mark. Bytes that are no UTF-8, as in process
 * names in another encoding, become U+FFFD: the value that holds one is unknown, the others are not lost with it.
 */
export function decodeOutput(output: string | Uint8Array): DecodedOutput {
  if (typeof output === 'string') return { text: stripMark(output), warnings: [] };
  const encoding = utf16Encoding(output);
  if (encoding !== null) return { text: new TextDecoder(encoding).decode(output), warnings: [`read as ${encoding}`] };
  const text = new TextDecoder('utf-8').decode(output);
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(output);
    return { text, warnings: [] };
  } catch {
    return { text, warnings: ['some bytes are not UTF-8: shown as U+FFFD in names, null in other values'] };
  }
}

function utf16Encoding(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return null;
}

function stripMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
