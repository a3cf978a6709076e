import type { z } from 'zod';

type Issue = Parameters<z.core.$ZodErrorMap>[0];

const SIZE_UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', map: 'entries' };
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};
const FORMATS: Readonly<Record<string, string>> = {
  url: 'an address such as http://127.0.0.1:7070',
  datetime: 'a time in ISO 8601 such as 2026-01-31T12:00:00Z',
};

/**
 * Says what a schema asks for in words that need no knowledge of the validator; it is passed as the `error` of a parse.
 * Schemas with a message of their own keep it. Undefined leaves the words to the validator, for issues that no schema
 * here causes.
 */
export function plainWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords(issue);
    case 'invalid_value':
      return issue.input === undefined ? `is missing: ${oneOf(issue.values)}` : oneOf(issue.values);
    case 'too_small':
      return limitWords(issue, { bound: issue.minimum, words: issue.inclusive === false ? 'more than' : 'at least' });
    case 'too_big':
      return limitWords(issue, { bound: issue.maximum, words: issue.inclusive === false ? 'less than' : 'at most' });
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatWords(issue);
    case 'invalid_union':
      return unionWords(issue);
    default:
      return undefined;
  }
}

function typeWords({ expected, input }: Issue & { expected: string }): string {
  const wanted = TYPES[expected] ?? expected;
  if (input === undefined) return `is missing: give ${wanted}`;
  if (expected === 'int') return `must be a whole number, not ${shown(input)}`;
  return `must be ${wanted}, not ${shown(input)}`;
}

/** Describes a value, as in "4" or "a list": the value itself if it fits in a line, else what kind of value it is. */
function shown(input: unknown): string {
  if (typeof input === 'string') return 'text';
  if (typeof input === 'number' || typeof input === 'boolean') return String(input);
  if (input === null) return 'null';
  return Array.isArray(input) ? 'a list' : 'an object';
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const names = values.map(String);
  return names.length === 1 ? `must be ${names[0]}` : `must be one of ${names.join(', ')}`;
}

interface Limit {
  readonly bound: number | bigint;
  readonly words: string;
}

function limitWords({ origin }: Issue & { origin?: string }, { bound, words }: Limit): string {
  const unit = origin === undefined ? undefined : SIZE_UNITS[origin];
  return unit === undefined ? `must be ${words} ${bound}` : `must have ${words} ${bound} ${unit}`;
}

function formatWords({ format, pattern }: Issue & { format: string; pattern?: string }): string | undefined {
  if (format === 'regex') return `must match the pattern ${pattern}`;
  return FORMATS[format] === undefined ? undefined : `must be ${FORMATS[format]}`;
}

function unionWords({ discriminator, options }: Issue & { discriminator?: string; options?: unknown }): string {
  if (Array.isArray(options) && options.length > 0) return oneOf(options as string[]);
  return discriminator === undefined ? 'has a value of no kind that is allowed here' : `${discriminator} is unknown`;
}
