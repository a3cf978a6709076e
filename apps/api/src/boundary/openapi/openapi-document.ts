import { runSpecSchema } from '@millrace/contracts';
import { z } from 'zod';
import { errorResponses, problemResponses } from './error-responses';
import { type RouteAnswer, type RouteDescription, TAGS } from './route-description';
import { ROUTES } from './routes';
import { type Json, SchemaComponents } from './schema-components';

/**
 * The REST API as an OpenAPI 3.1 document. Its schemas are the ones that check requests and give answers their types.
 */
export function openApiDocument(version: string): Json {
  const schemas = new SchemaComponents();
  const paths: Record<string, Json> = {};
  for (const description of ROUTES) {
    const [method = '', path = ''] = description.route.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(description, path, schemas) };
  }
  const responses = problemResponses(schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version,
      description: 'Pipeline-parallel transformer training on the GPUs you already have.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The API that serves this document' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token in the Authorization header' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'millrace_session',
          description:
            'A browser’s session, from POST /api/v1/session; requests that change something need this host as their Origin',
        },
      },
      schemas: schemas.all(),
      responses,
    },
  };
}

/** The run spec as users write it, for editors and forms. */
export function runSpecJsonSchema(): Json {
  const schema = z.toJSONSchema(runSpecSchema, { io: 'input' }) as Json;
  return { ...schema, title: 'Millrace run spec' };
}

function operation(description: RouteDescription, path: string, schemas: SchemaComponents): Json {
  const { id, tag, summary, query, body, status, answer, otherwise, access } = description;
  const parameters = [...pathParameters(path), ...(query ? queryParameters(query, schemas) : [])];
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: access === null ? 'Needs no token.' : `Needs role ${access[0]} and scope ${access[1]}.`,
    ...(access === null ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: requestBody(body, schemas) } : {}),
    responses: {
      [status]: response(summary, answer, schemas),
      ...(otherwise ? { [otherwise.status]: response(otherwise.summary, otherwise, schemas) } : {}),
      ...errorResponses(description),
    },
  };
}

function requestBody(
  { types, schema, example }: NonNullable<RouteDescription['body']>,
  schemas: SchemaComponents,
): Json {
  const media = schema === undefined ? {} : { schema: schemas.of(schema, 'input'), ...(example ? { example } : {}) };
  return { required: true, content: Object.fromEntries(types.map((type) => [type, media])) };
}

function response(description: string, answer: RouteAnswer | undefined, schemas: SchemaComponents): Json {
  if (answer === undefined) return { description };
  const { type, schema, example } = answer;
  const media = schema === undefined ? {} : { schema: schemas.of(schema, 'output'), ...(example ? { example } : {}) };
  return { description, content: { [type]: media } };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject, schemas: SchemaComponents): Json[] {
  const { properties = {}, required = [] } = schemas.inline(query, 'input') as {
    properties?: Json;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}
