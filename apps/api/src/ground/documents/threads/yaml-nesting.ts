import { type CST, LineCounter, Parser } from 'yaml';
import { DEPTH_MAX } from '../document-bounds';

/** A collection of the concrete syntax tree; scalars and comments have no items. */
interface Nested {
  readonly offset: number;
  readonly value?: unknown;
  readonly items?: readonly { readonly key?: unknown; readonly value?: unknown }[];
}

/**
 * The line of a value that is nested deeper than any document needs, or undefined. What composes a document recurses
 * at every level, and where its stack overflows while V8 compiles a regular expression, V8 ends the whole process, not
 * the thread alone. The parser of the concrete syntax keeps its own stack, and so does this walk.
 */
export function tooDeepLine(text: string): number | undefined {
  const lines = new LineCounter();
  const pending: { token: Nested; depth: number }[] = [];
  const add = (value: unknown, depth: number): void => {
    if (isNested(value)) pending.push({ token: value, depth });
  };
  for (const token of new Parser(lines.addNewLine).parse(text) as Iterable<CST.Token>) add(token, 0);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > DEPTH_MAX) return lines.linePos(token.offset).line;
    add(token.value, depth + 1);
    for (const { key, value } of token.items ?? []) {
      add(key, depth + 1);
      add(value, depth + 1);
    }
  }
  return undefined;
}

function isNested(value: unknown): value is Nested {
  return typeof value === 'object' && value !== null && 'offset' in value;
}
