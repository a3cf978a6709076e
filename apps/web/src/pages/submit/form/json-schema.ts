import { runSpecSchema } from '@millrace/contracts';
import { z } from 'zod';

/** The part of JSON Schema that zod uses for the run spec. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** The schema of the run spec as people write it, which zod refers to by its name. */
export function runSpecFormSchema(): JsonSchema {
  const document = z.toJSONSchema(runSpecSchema, { io: 'input' }) as JsonSchema & {
    readonly $defs?: Readonly<Record<string, JsonSchema>>;
  };
  return document.$defs?.RunSpec ?? document;
}
