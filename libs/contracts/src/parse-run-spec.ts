import type { z } from 'zod';
import type { FieldError } from '@millrace/core';
import { plainWords } from './fields/plain-words';
import { type RunSpec, runSpecSchema } from './run-spec';
import { notInThisBuild } from './run-spec-limits';
import { impossibleCombinations } from './run-spec-rules';
import { specInvalid } from './run-spec.errors';

/** Zod's issues as JSON pointers; an unknown key points at the key itself. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = pointer(issue.path);
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({ path: `${path}${pointer([key])}`, message: 'unknown key' }));
  });
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A document as a complete run spec. @throws AppError RUN.SPEC_INVALID with every offending field */
export function parseRunSpec(document: unknown): RunSpec {
  const parsed = runSpecSchema.safeParse(document, { error: plainWords });
  if (!parsed.success) throw specInvalid(fieldErrors(parsed.error));
  const spec = parsed.data;
  const fields = [...notInThisBuild(spec), ...impossibleCombinations(spec)];
  if (fields.length > 0) throw specInvalid(fields);
  return completed(spec);
}

/** Defaults that depend on other fields. */
function completed(spec: RunSpec): RunSpec {
  const { model } = spec;
  return { ...spec, model: { ...model, kvHeads: model.kvHeads ?? model.heads, ffn: model.ffn ?? 4 * model.hidden } };
}
