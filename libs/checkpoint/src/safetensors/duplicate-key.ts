/** A key that occurs twice in one object, and how deep that object is (1 = outermost). */
export interface DuplicateKey {
  readonly key: string;
  readonly depth: number;
}

/** JSON.parse silently keeps the last of two equal keys, so they are looked for in the text. `json` must be valid JSON. */
export function duplicateKey(json: string): DuplicateKey | undefined {
  /** Keys of each open object; undefined for an open list. */
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(?=(\s*:)?)|[{}[\]]/gy;
  const next = /[^"{}[\]]*/y;
  for (let index = 0; index < json.length; index = token.lastIndex) {
    next.lastIndex = index;
    next.exec(json);
    token.lastIndex = next.lastIndex;
    const match = token.exec(json);
    if (match === null) return undefined;
    const [text, colon] = match;
    if (text === '{') open.push(new Set());
    else if (text === '[') open.push(undefined);
    else if (text === '}' || text === ']') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(text) as string;
      const keys = open.at(-1);
      if (keys?.has(key) === true) return { key, depth: open.length };
      keys?.add(key);
    }
  }
  return undefined;
}
