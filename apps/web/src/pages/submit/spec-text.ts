import { type RunSpec, parseRunSpec } from '@millrace/contracts';
import { stringify } from 'yaml';

/** Writes a complete spec as YAML in the order of the schema: the database keeps its values but not their order. */
export function specText(spec: RunSpec): string {
  return stringify(inOrder(spec));
}

function inOrder(spec: RunSpec): RunSpec {
  try {
    return parseRunSpec(spec);
  } catch {
    // Another version wrote this spec, and this one refuses it: it is shown as it is.
    return spec;
  }
}
