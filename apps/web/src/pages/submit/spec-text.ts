import { type RunSpec, parseRunSpec } from '@millrace/contracts';
import { stringify } from 'yaml';

/** A complete spec as YAML, in the order of the schema: the database keeps the values and not their order. */
export function specText(spec: RunSpec): string {
  return stringify(inOrder(spec));
}

function inOrder(spec: RunSpec): RunSpec {
  try {
    return parseRunSpec(spec);
  } catch {
    // It was written by a version that took more than this one: it is shown as it is.
    return spec;
  }
}
