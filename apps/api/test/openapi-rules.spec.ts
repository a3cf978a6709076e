import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from '../src/boundary/openapi/openapi-document';
import { ROUTES } from '../src/boundary/openapi/routes';

describe('the OpenAPI document', () => {
  it("passes Redocly's recommended rules", async () => {
    const { createConfig, lintFromString } = await import('@redocly/openapi-core');
    const config = await createConfig({ extends: ['recommended'] });
    const source = JSON.stringify(openApiDocument('0.1.0'), null, 2);
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
    const told = problems.map(({ ruleId, severity, message, location }) => {
      const at = location.map((each) => each.pointer ?? '').join(' ');
      return `${severity} ${ruleId}: ${message} ${at}`;
    });
    expect(told).toEqual([]);
  });

  const examples = ROUTES.flatMap(({ route, body, answer, otherwise }) =>
    [
      { what: 'body', ...body },
      { what: 'answer', ...answer },
      { what: 'otherwise', ...otherwise },
    ].flatMap(({ what, schema, example }) =>
      schema && example !== undefined ? [{ name: `${route} ${what}`, schema, example }] : [],
    ),
  );

  it.each(examples.map((each) => [each.name, each] as const))(
    'example of %s fits its schema',
    (_, { schema, example }) => {
      const parsed = schema.safeParse(example);
      expect(parsed.success ? '' : z.prettifyError(parsed.error)).toBe('');
    },
  );

  it('has an example for every document that is sent or answered', () => {
    const documents = ROUTES.filter(
      ({ answer }) => answer?.type === 'application/json' && answer.example === undefined,
    );
    // Documents of other standards, described by those.
    expect(documents.map(({ id }) => id)).toEqual(['getOpenApi', 'getRunTimeline']);
  });
});
