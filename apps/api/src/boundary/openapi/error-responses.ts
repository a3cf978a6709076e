import { problemSchema } from '@millrace/contracts';
import { EXAMPLES } from './examples';
import type { RouteDescription } from './route-description';
import type { Json, SchemaComponents } from './schema-components';

/** Every way in which a call can be refused: the status, what it means, and an example of a code. */
const REFUSALS = {
  Invalid: {
    status: 400,
    title: 'Bad Request',
    description: 'The request is not valid; `errors` names the fields',
    code: 'API.QUERY_INVALID',
  },
  Unauthenticated: {
    status: 401,
    title: 'Unauthorized',
    description: 'The token is missing or not valid',
    code: 'AUTH.TOKEN_MISSING',
  },
  Forbidden: {
    status: 403,
    title: 'Forbidden',
    description: 'Role, scope or project do not allow it',
    code: 'AUTH.ROLE_FORBIDDEN',
  },
  NotFound: { status: 404, title: 'Not Found', description: 'There is no such thing', code: 'RUN.NOT_FOUND' },
  Conflict: {
    status: 409,
    title: 'Conflict',
    description: 'Its present state does not allow this',
    code: 'RUN.STATE_CONFLICT',
  },
  TooLarge: {
    status: 413,
    title: 'Payload Too Large',
    description: 'The body is too large',
    code: 'API.BODY_TOO_LARGE',
  },
  TypeUnknown: {
    status: 415,
    title: 'Unsupported Media Type',
    description: 'The type of the body is not accepted',
    code: 'API.CONTENT_TYPE_UNKNOWN',
  },
  RateLimited: {
    status: 429,
    title: 'Too Many Requests',
    description: 'Wait as long as Retry-After says',
    code: 'API.RATE_LIMITED',
  },
} as const;
type Refusal = keyof typeof REFUSALS;

/** Components of the document: one response for each refusal, and one for every other failure. */
export function problemResponses(schemas: SchemaComponents): Record<string, Json> {
  const schema = schemas.of(problemSchema, 'output');
  const entries = Object.entries(REFUSALS).map(([name, { status, title, description, code }]) => {
    const example = {
      ...EXAMPLES.problem,
      type: `urn:millrace:error:${code}`,
      title,
      status,
      code,
      detail: description,
    };
    return [name, { description, content: { 'application/problem+json': { schema, example } } }] as const;
  });
  const problem = { description: 'What went wrong (RFC 9457)', content: { 'application/problem+json': { schema } } };
  return { ...Object.fromEntries(entries), Problem: problem };
}

/** The error responses of one operation, by status. */
export function errorResponses({ route, access, body, query, conflicts }: RouteDescription): Json {
  const refusals: Refusal[] = [
    ...(body || query ? (['Invalid'] as const) : []),
    ...(access === null ? [] : (['Unauthenticated', 'Forbidden'] as const)),
    ...(access === null && body ? (['Unauthenticated'] as const) : []),
    ...(route.includes('{') ? (['NotFound'] as const) : []),
    ...(conflicts ? (['Conflict'] as const) : []),
    ...(body ? (['TooLarge', 'TypeUnknown'] as const) : []),
    'RateLimited',
  ];
  const entries = refusals.map((name) => [REFUSALS[name].status, { $ref: `#/components/responses/${name}` }]);
  return { ...Object.fromEntries(entries), default: { $ref: '#/components/responses/Problem' } };
}
