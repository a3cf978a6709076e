import { z } from 'zod';

export type Json = Record<string, unknown>;

const REFERENCE = '#/components/schemas/';

/**
 * Schemas in the form of OpenAPI 3.1: a schema with an id of its own (`meta({ id })`) stands once among the components,
 * and is a reference everywhere else. Because of defaults, the input and the output of one schema may differ: the input
 * is then called `…Input`.
 */
export class SchemaComponents {
  private readonly components = new Map<string, Json>();

  /** A reference to the schema, or the schema itself if it has no id. */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, $defs = {}, ...root } = this.convert(schema, io);
    const names = new Map<string, string>();
    const definitions = { ...($defs as Record<string, Json>) };
    const { id } = schema.meta() ?? {};
    // A schema that refers to itself by its id is already converted to a reference.
    if (id !== undefined) definitions[id] ??= root;
    for (const name of Object.keys(definitions)) names.set(name, nameOf(name, schema, io));
    for (const [name, definition] of Object.entries(definitions)) {
      this.components.set(names.get(name) ?? name, renamed(definition, names) as Json);
    }
    return id === undefined ? (renamed(root, names) as Json) : { $ref: `${REFERENCE}${names.get(id) ?? id}` };
  }

  /** The schema without references, which parameters need. */
  inline(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, ...root } = this.convert(schema, io);
    return root;
  }

  all(): Record<string, Json> {
    return Object.fromEntries([...this.components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private convert(schema: z.ZodType, io: 'input' | 'output'): Json {
    return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  }
}

/**
 * The name of a component: a body that is only ever sent keeps its id; the run spec, which is also answered, gets
 * another.
 */
function nameOf(id: string, schema: z.ZodType, io: 'input' | 'output'): string {
  if (io === 'output') return id;
  const [sent, answered] = (['input', 'output'] as const).map((way) =>
    JSON.stringify(z.toJSONSchema(schema, { io: way, unrepresentable: 'any' })),
  );
  return sent === answered || /^New|Changes$|Request$/.test(id) ? id : `${id}Input`;
}

/** Points references at the document's components, and removes ids, which JSON Schema knows only as `$id`. */
function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((part) => renamed(part, names));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, ...rest } = value as Json;
  if (typeof $ref === 'string') {
    const name = $ref.replace('#/$defs/', '');
    return { $ref: `${REFERENCE}${names.get(name) ?? name}` };
  }
  return Object.fromEntries(
    Object.entries(rest).flatMap(([key, part]) =>
      key === 'id' && typeof part === 'string' ? [] : [[key, renamed(part, names)]],
    ),
  );
}
