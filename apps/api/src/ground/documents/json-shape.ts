import { DEPTH_MAX, NODES_MAX } from './document-bounds';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = [0x5b, 0x7b];
const CLOSE = [0x5d, 0x7d];

/**
 * Says what makes this text too costly as JSON; found in one pass before any parser sees the text. A megabyte can hold
 * half a million values, and whatever checks each of them, or describes what is wrong with it, would block the event
 * loop for that long.
 */
export function jsonObstacle(text: string): string | undefined {
  let nodes = 1;
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === COMMA) nodes++;
    else if (OPEN.includes(code)) {
      nodes++;
      depth++;
    } else if (CLOSE.includes(code)) depth--;
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} brackets are open: nest less deeply`;
    if (nodes > NODES_MAX) return `the document has more than ${NODES_MAX} entries: shorten it`;
  }
  return undefined;
}
