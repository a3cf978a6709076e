import type { FormField } from './form-fields';

/** Turns a value of the document into the text of its field. */
export function toFieldText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, one]) => `${key}=${String(one)}`)
      .join(', ');
  return String(value);
}

/**
 * Turns the text of a field into the value of the document; undefined leaves the field out. A text that does not fit
 * the field's kind stays a text, so that the schema says what is wrong with it.
 */
export function fromFieldText({ kind, isRequired }: Pick<FormField, 'kind' | 'isRequired'>, text: string): unknown {
  if (text.trim() === '' && !(isRequired && kind === 'text')) return undefined;
  switch (kind) {
    case 'number':
      return numberOrText(text);
    case 'list':
      return parts(text).map(numberOrText);
    case 'map':
      return Object.fromEntries(parts(text).map((part) => pairOf(part)));
    case 'value':
      return text.includes(',') ? parts(text).map(numberOrText) : numberOrText(text);
    default:
      return text;
  }
}

function parts(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function numberOrText(text: string): number | string {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return trimmed === '' || !Number.isFinite(value) ? trimmed : value;
}

function pairOf(part: string): [string, string] {
  const at = part.indexOf('=');
  return at === -1 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
}
