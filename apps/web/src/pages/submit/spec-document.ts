import { type DatasetBody, type RunSpec, parseRunSpec } from '@millrace/contracts';
import { AppError, type FieldError } from '@millrace/core';
import { type Document, isNode, parseDocument } from 'yaml';

const NAMED_COUNT = 5;

/** What was read from the text in the editor. */
export interface SpecDocument {
  /** The value of the text, whether it is a run spec or not; undefined if the text is not YAML. */
  readonly value: unknown;
  /** The complete spec; undefined while something is wrong with it. */
  readonly spec: RunSpec | undefined;
  readonly errors: readonly SpecError[];
}

/** `from` and `to` are offsets in the text. */
export interface SpecError extends FieldError {
  readonly from: number;
  readonly to: number;
}

export type KnownDataset = Pick<DatasetBody, 'id' | 'name' | 'vocab'>;

/** Reads the text. `datasets` are those that the spec may use; if undefined, only the API checks the dataset. */
export function readSpec(text: string, datasets?: readonly KnownDataset[]): SpecDocument {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    const errors = document.errors.map(({ message, pos: [from, to] }) => ({ path: '', message, from, to }));
    return { value: undefined, spec: undefined, errors };
  }
  const value = document.toJS() as unknown;
  try {
    const spec = parseRunSpec(value);
    const wrong = datasets === undefined ? undefined : datasetError(spec, datasets);
    if (wrong === undefined) return { value, spec, errors: [] };
    return { value, spec: undefined, errors: [{ ...wrong, ...rangeOf(document, wrong.path) }] };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = error.fields.map((field) => ({ ...field, ...rangeOf(document, field.path) }));
    return { value, spec: undefined, errors };
  }
}

/** The error that the API would report for the dataset, which is told while the spec is typed. */
function datasetError({ data, model }: RunSpec, datasets: readonly KnownDataset[]): FieldError | undefined {
  const found = datasets.find(({ id, name }) => id === data.dataset || name === data.dataset);
  if (found === undefined) {
    const names = datasets.map(({ name }) => name).slice(0, NAMED_COUNT);
    const next = names.length === 0 ? 'upload one on the page of datasets' : `there are ${names.join(', ')}`;
    return { path: '/data/dataset', message: `no dataset is called ${data.dataset}; ${next}` };
  }
  if (typeof model.vocab !== 'number' || model.vocab >= found.vocab) return undefined;
  const message = `${model.vocab} is less than the vocabulary of ${found.name}; take at least ${found.vocab}, or auto`;
  return { path: '/model/vocab', message };
}

/** Where a field stands in the text or, if it is missing, the range of the object that should have it. */
function rangeOf(document: Document, pointer: string): { from: number; to: number } {
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const range = isNode(node) ? node.range : undefined;
    if (range) return { from: range[0], to: Math.max(range[0] + 1, range[1]) };
  }
  return { from: 0, to: 0 };
}

/** The text with one value changed, or removed if it is undefined; comments and order are kept. */
export function withValue(text: string, path: readonly string[], value: unknown): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) return text;
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** The value at a path inside a document. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}
