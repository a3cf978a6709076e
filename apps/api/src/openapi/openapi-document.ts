import { problemSchema, runSpecSchema } from '@millrace/contracts';
import { z } from 'zod';
import { type RouteDescription, ROUTES } from './routes';

type Json = Record<string, unknown>;

/** The REST API as an OpenAPI 3.1 document; its schemas are those that check requests and type answers. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const description of ROUTES) {
    const [method = '', path = ''] = description.route.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(description, path) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version,
      description: 'Pipeline-parallel transformer training on the GPUs you already have.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      responses: {
        Problem: {
          description: 'What went wrong (RFC 9457)',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

/** The run spec as users write it, for editors and forms. */
export function runSpecJsonSchema(): Json {
  const schema = z.toJSONSchema(runSpecSchema, { io: 'input' }) as Json;
  return { ...schema, title: 'Millrace run spec' };
}

function operation({ summary, query, body, status, answer, otherwise, ...rest }: RouteDescription, path: string): Json {
  const parameters = [...pathParameters(path), ...(query ? queryParameters(query) : [])];
  return {
    summary,
    ...(rest.public ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: { required: true, content: contents(body.types, body.schema && schemaOf(body.schema, 'input')) },
        }
      : {}),
    responses: {
      [status]: {
        description: summary,
        ...(answer ? { content: contents([answer.type], answer.schema && schemaOf(answer.schema, 'output')) } : {}),
      },
      ...(otherwise
        ? {
            [otherwise.status]: {
              description: 'The plan',
              content: contents(['application/json'], schemaOf(otherwise.schema, 'output')),
            },
          }
        : {}),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function contents(types: readonly string[], schema: Json | undefined): Json {
  return Object.fromEntries(types.map((type) => [type, schema === undefined ? {} : { schema }]));
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

/**
 * Self-contained, without the draft's marker, as OpenAPI 3.1 takes it. Transformed values are described as they are
 * sent.
 */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return inlined(rest);
}

/**
 * `$ref`s point into the schema's own `$defs`, which would not resolve inside the document; nothing here is recursive.
 */
function inlined(schema: Json): Json {
  const definitions = (schema['$defs'] ?? {}) as Record<string, Json>;
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref, $defs: _, id: __, ...rest } = value as Json;
    if (typeof $ref === 'string') return visit(definitions[$ref.replace('#/$defs/', '')]);
    return Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, visit(part)]));
  };
  return visit(schema) as Json;
}
