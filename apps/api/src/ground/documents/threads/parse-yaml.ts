import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { DEPTH_MAX } from '../document-bounds';
import { tooDeepLine } from './yaml-nesting';

/** Aliases turn a few bytes of YAML into gigabytes; a run spec needs a handful of them. */
const ALIASES_MAX = 50;

export type ParsedYaml = { readonly value: unknown } | { readonly reason: string };

/**
 * Parses a YAML document into its value or its first error. Keys must be scalars, and none may occur twice in a map.
 */
export function parseYaml(text: string): ParsedYaml {
  const deep = tooDeepLine(text);
  if (deep !== undefined)
    return { reason: `more than ${DEPTH_MAX} values are nested in each other: nest less deeply (line ${deep})` };
  const lines = new LineCounter();
  // The parser would look for equal keys by comparing each with all others, and would draw the place of every error:
  // both are done here at less cost.
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, lineCounter: lines });
  const at = (offset: number, reason: string): ParsedYaml => {
    const { line, col } = lines.linePos(offset);
    return { reason: `${reason} at line ${line}, column ${col}` };
  };
  const [error] = document.errors;
  if (error !== undefined) return at(error.pos[0], error.message);
  let wrong: ParsedYaml | undefined;
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const offset = isScalar(key) || isMap(key) ? (key.range?.[0] ?? 0) : (map.range?.[0] ?? 0);
        if (!isScalar(key)) wrong = at(offset, 'keys must be plain words, not collections or aliases');
        else if (seen.has(String(key.value))) wrong = at(offset, `the key ${JSON.stringify(key.value)} occurs twice`);
        else seen.add(String(key.value));
        if (wrong !== undefined) return visit.BREAK;
      }
      return undefined;
    },
  });
  return wrong ?? { value: document.toJS({ maxAliasCount: ALIASES_MAX }) };
}
