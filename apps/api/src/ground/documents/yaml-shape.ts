import { DEPTH_MAX, NODES_MAX } from './document-bounds';

/** Columns of indentation, including the indicators `-` and `?` that open nested collections on one line. */
const INDENT_MAX = 100;

/** What cannot be accepted and where; lines count from 1. */
export interface YamlObstacle {
  readonly line: number;
  readonly reason: string;
}

const EXPLICIT_KEY = 'explicit keys ("? ") are not accepted: write "key: value"';

/**
 * Says what makes this text too costly for a YAML parser; found in one pass and without recursion, before any parser
 * sees the text: nesting, because parsers recurse; explicit keys, whose cost grows exponentially with nesting; and the
 * number of nodes, in which some checks of a parser are quadratic. Quotes and comments are not told apart from the
 * rest, so that a quoted text with sixty-five open brackets is refused too.
 */
export function yamlObstacle(text: string): YamlObstacle | undefined {
  let nodes = 0;
  let depth = 0;
  for (const [index, content] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1;
    const prefix = content.slice(0, prefixLength(content));
    if (prefix.includes('?')) return { line, reason: EXPLICIT_KEY };
    if (prefix.length > INDENT_MAX)
      return { line, reason: `the document is indented by more than ${INDENT_MAX} columns: nest less deeply` };
    // The character before, within the line: a key between brackets may also begin a line, where the prefix covers it.
    let before = ' ';
    for (let column = prefix.length; column < content.length; column++) {
      const character = content[column]!;
      if (isSpace(character)) continue;
      if (character === '?' && '[{,'.includes(before) && isSpace(content[column + 1]))
        return { line, reason: EXPLICIT_KEY };
      if (character === '[' || character === '{') depth++;
      if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
      if (character === ',' && depth > 0) nodes++;
      if (depth > DEPTH_MAX) return { line, reason: `more than ${DEPTH_MAX} brackets are open: nest less deeply` };
      before = character;
    }
    if (nodes + line > NODES_MAX)
      return { line, reason: `the document has more than ${NODES_MAX} lines and entries: shorten it` };
  }
  return undefined;
}

/** The length of the white space and the indicators of nested collections, counted to just beyond what is allowed. */
function prefixLength(content: string): number {
  let length = 0;
  while (length <= INDENT_MAX && length < content.length) {
    const character = content[length]!;
    const opens = '-?:'.includes(character) && isSpace(content[length + 1]);
    if (!isSpace(character) && !opens) break;
    length++;
  }
  return length;
}

/** The end of a line counts as space. */
function isSpace(character: string | undefined): boolean {
  return character === undefined || character === ' ' || character === '\t';
}
