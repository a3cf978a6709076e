/** A key that occurs twice in one object, and how deep that object is (1 = outermost). */
export interface DuplicateKey {
  readonly key: string;
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds a key that occurs twice in one object: JSON.parse silently keeps the last of two equal keys. `json` must be
 * valid JSON. The text is scanned by hand, because a regular expression overflows its stack on a string of some
 * megabytes.
 */
export function duplicateKey(json: string): DuplicateKey | undefined {
  /** The keys of each open object; undefined for an open list. */
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < json.length; index++) {
    const character = json[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = stringEnd(json, index);
      if (isKey(json, end)) {
        const key = keyText(json, index, end);
        const keys = open.at(-1);
        if (keys?.has(key) === true) return { key, depth: open.length };
        keys?.add(key);
      }
      index = end - 1;
    }
  }
  return undefined;
}

/** The key as text. Equal keys may be escaped differently; most keys have no escape, and need no parser. */
function keyText(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(json.slice(start, end)) as string) : text;
}

/** Index after the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let index = start + 1;
  while (json.charCodeAt(index) !== QUOTE) index += json.charCodeAt(index) === BACKSLASH ? 2 : 1;
  return index + 1;
}

/** In valid JSON only a key is followed by a colon. */
function isKey(json: string, end: number): boolean {
  let index = end;
  while (json.charCodeAt(index) <= 0x20) index++;
  return json[index] === ':';
}
