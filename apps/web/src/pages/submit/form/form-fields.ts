import type { JsonSchema } from './json-schema';

export type FieldKind = 'text' | 'long-text' | 'number' | 'choice' | 'switch' | 'list' | 'map' | 'value';

export interface FormField {
  readonly path: readonly string[];
  readonly label: string;
  readonly kind: FieldKind;
  readonly options: readonly string[];
  readonly isRequired: boolean;
  /** The value that counts if the document has none. */
  readonly fallback: unknown;
}

/** Groups of fields between which one field chooses, for instance `optimizer.type`. */
export interface FormVariants {
  readonly path: readonly string[];
  readonly label: string;
  readonly key: string;
  readonly fallback: string;
  readonly variants: readonly { readonly name: string; readonly fields: readonly FormField[] }[];
}

export interface FormSection {
  readonly title: string;
  readonly fields: readonly FormField[];
  readonly variants: readonly FormVariants[];
}

const LONG_TEXTS = ['scheduleCsv'];

/** The form of a schema: one section for the document's own fields, and one for each object in it. */
export function formSections(schema: JsonSchema): FormSection[] {
  const parts = Object.entries(schema.properties ?? {});
  const sections = parts.filter(([, part]) => part.properties !== undefined);
  const own = { ...schema, properties: Object.fromEntries(parts.filter(([, part]) => part.properties === undefined)) };
  return [section('run', [], own), ...sections.map(([name, part]) => section(name, [name], part))];
}

function section(title: string, path: readonly string[], schema: JsonSchema): FormSection {
  const fields = fieldsOf(path, schema);
  const variants = variantsOf(path, schema);
  return { title, fields, variants };
}

/** The fields of an object, including those of plain objects in it, such as `batch.global`. */
function fieldsOf(path: readonly string[], { properties = {}, required = [] }: JsonSchema): FormField[] {
  return Object.entries(properties).flatMap(([name, part]): FormField[] => {
    const here = [...path, name];
    if (part.properties !== undefined) return fieldsOf(here, part);
    if (discriminator(part) !== undefined) return [];
    const { kind, options } = kindOf(name, part);
    return [
      {
        path: here,
        label: here.slice(1).join('.') || name,
        kind,
        options,
        isRequired: required.includes(name),
        fallback: part.default,
      },
    ];
  });
}

function variantsOf(path: readonly string[], { properties = {} }: JsonSchema): FormVariants[] {
  return Object.entries(properties).flatMap(([name, part]) => {
    const key = discriminator(part);
    if (key === undefined) return [];
    const here = [...path, name];
    const variants = (part.oneOf ?? part.anyOf ?? []).map((variant) => ({
      name: String(variant.properties?.[key]?.const),
      fields: fieldsOf(here, withoutKey(variant, key)),
    }));
    const chosen = (part.default as Record<string, unknown> | undefined)?.[key];
    return [{ path: here, label: name, key, variants, fallback: String(chosen ?? variants[0]?.name) }];
  });
}

/** The key whose constant tells the variants of a union apart. */
function discriminator(schema: JsonSchema): string | undefined {
  const variants = schema.oneOf ?? schema.anyOf ?? [];
  const [first] = variants;
  if (first?.properties === undefined) return undefined;
  return Object.keys(first.properties).find((key) =>
    variants.every(({ properties }) => properties?.[key]?.const !== undefined),
  );
}

function withoutKey(schema: JsonSchema, key: string): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => name !== key);
  return { ...schema, properties: Object.fromEntries(properties) };
}

function kindOf(name: string, schema: JsonSchema): { kind: FieldKind; options: readonly string[] } {
  if (schema.enum !== undefined) return { kind: 'choice', options: schema.enum.map(String) };
  if (schema.anyOf !== undefined) return { kind: 'value', options: [] };
  const none: readonly string[] = [];
  switch (schema.type) {
    case 'boolean':
      return { kind: 'switch', options: none };
    case 'integer':
    case 'number':
      return { kind: 'number', options: none };
    case 'array':
      return { kind: 'list', options: none };
    case 'object':
      return { kind: 'map', options: none };
    default:
      return { kind: LONG_TEXTS.includes(name) ? 'long-text' : 'text', options: none };
  }
}
