import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRunSpec } from '@millrace/contracts';
import { openApiDocument, runSpecJsonSchema } from '../src/boundary/openapi/openapi-document';
import { errorCatalogue, errorPage } from './error-catalogue';

import { metricsPage } from './metrics-page';

const ROOT = join(__dirname, '../../..');
const docs = (name: string): string => join(ROOT, 'docs', name);
const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * Updated with `npx vitest run --project unit apps/api/test/documents -u`; read the difference before committing it.
 */
describe('documents made from the code are current', () => {
  it('docs/run-spec.schema.json', async () => {
    await expect(text(runSpecJsonSchema())).toMatchFileSnapshot(docs('run-spec.schema.json'));
  });

  it('docs/openapi.json', async () => {
    await expect(text(openApiDocument('0.1.0'))).toMatchFileSnapshot(docs('openapi.json'));
  });

  it('docs/errors.md', async () => {
    await expect(errorPage(errorCatalogue(ROOT))).toMatchFileSnapshot(docs('errors.md'));
  });

  it('docs/metrics.md', async () => {
    await expect(metricsPage()).toMatchFileSnapshot(docs('metrics.md'));
  });
});

describe('the OpenAPI document', () => {
  const document = openApiDocument('1.2.3') as {
    paths: Record<string, Record<string, { parameters?: { name: string; required: boolean }[] }>>;
  };

  it('describes queries as they are sent, and what is required of them', () => {
    const parameters = document.paths['/api/v1/runs/{id}/metrics']?.['get']?.parameters ?? [];
    expect(parameters.map(({ name, required }) => [name, required])).toEqual([
      ['id', true],
      ['limit', false],
      ['cursor', false],
      ['name', true],
    ]);
  });

  it('has no reference that does not resolve', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    for (const target of references) {
      const value = target
        .slice(2)
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
      expect(value).toBeDefined();
    }
  });
});

describe('errors', () => {
  it('have unique meanings: one kind per code', () => {
    const codes = errorCatalogue(ROOT);
    expect(codes.length).toBeGreaterThan(50);
    for (const { code } of codes) expect(code).toMatch(/^[A-Z][A-Z_]*\.[A-Z0-9_]+$/);
  });

  it('of the run spec name every field at once', () => {
    expect(() => parseRunSpec({ name: 'a b', extra: 1 })).toThrow(/name: .*extra: unknown key|extra: unknown key.*/s);
  });
});
