import type { z } from 'zod';
import type { FieldError } from '@millrace/core';
import { plainWords } from './fields/plain-words';
import { completeModel } from './model/complete-model';
import { type RunSpec, runSpecSchema } from './run-spec';
import { notInThisBuild } from './run-spec-limits';
import { impossibleCombinations } from './run-spec-rules';
import { specInvalid } from './run-spec.errors';

/** Nobody corrects more fields at once, and for a megabyte of unknown keys the answer would have several. */
const FIELDS_MAX = 100;

/**
 * Turns zod's issues into errors with JSON pointers; if there are very many, only the first ones. An unknown key's
 * pointer names the key itself.
 */
export function fieldErrors(error: z.ZodError): FieldError[] {
  const found: FieldError[] = [];
  let wrong = 0;
  for (const issue of error.issues) {
    const each = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    wrong += each.length;
    const message = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
    for (const path of each.slice(0, FIELDS_MAX - found.length)) found.push({ path: pointer(path), message });
  }
  if (wrong > found.length)
    found.push({ path: '', message: `${wrong - found.length} more are wrong: mend these first` });
  return found;
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Turns a document into a complete run spec. @throws AppError RUN.SPEC_INVALID, which names every wrong field */
export function parseRunSpec(document: unknown): RunSpec {
  const parsed = runSpecSchema.safeParse(document, { error: plainWords });
  if (!parsed.success) throw specInvalid(fieldErrors(parsed.error));
  const spec = parsed.data;
  const fields = [...notInThisBuild(spec), ...impossibleCombinations(spec)];
  if (fields.length > 0) throw specInvalid(fields);
  return { ...spec, model: completeModel(spec.model) };
}
