import { expect, it } from 'vitest';
import { readCliConfig } from './cli-config';

it('takes a variable that is empty for one that is not set, also for what it starts', () => {
  const config = readCliConfig({ MILLRACE_ENDPOINT: '', MILLRACE_TOKEN: '', DATABASE_URL: '', HOME: '/home/ann' });
  expect(config).toMatchObject({ endpoint: undefined, token: undefined });
  expect(config.environment).toEqual({ HOME: '/home/ann' });
});

it.each(['host:7070', 'ftp://host', 'http://host/?a=b'])('refuses %s for an endpoint, by name', (endpoint) => {
  expect(() => readCliConfig({ MILLRACE_ENDPOINT: endpoint })).toThrow(/MILLRACE_ENDPOINT/);
});
