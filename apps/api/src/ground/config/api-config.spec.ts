import { describe, expect, it } from 'vitest';
import { ApiConfig } from './api-config';

const DATABASE_URL = 'postgresql://postgres@127.0.0.1/postgres';

describe('ApiConfig', () => {
  it('has defaults for all but the database', () => {
    expect(ApiConfig.fromEnvironment({ DATABASE_URL, MILLRACE_HOME: '/tmp/home' })).toMatchObject({
      home: '/tmp/home',
      blobs: '/tmp/home/blobs',
      host: '127.0.0.1',
      httpPort: 7070,
      grpcPort: 7071,
      leaseMs: 15_000,
      heartbeatMs: 3_000,
      graceMs: 900_000,
      uploadBytesMax: 2 * 1024 ** 3,
      logLevel: 'info',
    });
  });

  it.each([
    ['no database', { DATABASE_URL: undefined }, 'DATABASE_URL'],
    ['an empty database', { DATABASE_URL: '' }, 'DATABASE_URL'],
    ['a schema', { DATABASE_URL: `${DATABASE_URL}?schema=train` }, 'DATABASE_URL'],
    ['a search path', { DATABASE_URL: `${DATABASE_URL}?options=-c%20search_path%3Dtrain` }, 'DATABASE_URL'],
    ['a store on S3', { MILLRACE_BLOBS: 's3://bucket/prefix' }, 'MILLRACE_BLOBS'],
    ['another address without TLS', { MILLRACE_HOST: '0.0.0.0' }, 'MILLRACE_HOST'],
    ['a certificate without its key', { MILLRACE_TLS_CERT: 'a.pem' }, 'MILLRACE_TLS_KEY'],
    ['TLS of another kind', { MILLRACE_TLS: 'yes' }, 'MILLRACE_TLS'],
    ['names that are none', { MILLRACE_TLS_NAMES: 'a b' }, 'MILLRACE_TLS_NAMES'],
    ['a port that is none', { MILLRACE_HTTP_PORT: '70000' }, 'MILLRACE_HTTP_PORT'],
    ['a heartbeat as slow as the lease', { MILLRACE_HEARTBEAT_MS: '15000' }, 'MILLRACE_HEARTBEAT_MS'],
  ])('refuses %s and names the variable', (_, changes, path) => {
    let fields: unknown;
    try {
      ApiConfig.fromEnvironment({ DATABASE_URL, ...changes });
    } catch (error) {
      ({ fields } = error as { fields: unknown });
    }
    expect(fields).toMatchObject([{ path }]);
  });

  it('takes a variable that is empty for one that is not set', () => {
    const empty = { REDIS_URL: '', OTEL_EXPORTER_OTLP_ENDPOINT: '', MILLRACE_TLS_CERT: '', MILLRACE_HTTP_PORT: '' };
    expect(ApiConfig.fromEnvironment({ DATABASE_URL, ...empty })).toMatchObject({
      redisUrl: undefined,
      otlpEndpoint: undefined,
      tls: undefined,
      httpPort: 7070,
    });
  });

  it('takes another address with TLS', () => {
    const tls = { MILLRACE_TLS_CERT: 'a.pem', MILLRACE_TLS_KEY: 'b.pem' };
    expect(ApiConfig.fromEnvironment({ DATABASE_URL, MILLRACE_HOST: '0.0.0.0', ...tls }).tls).toEqual({
      cert: 'a.pem',
      key: 'b.pem',
      made: false,
    });
    const made = { MILLRACE_HOST: '0.0.0.0', MILLRACE_TLS: 'made', MILLRACE_HOME: '/tmp/home' };
    expect(ApiConfig.fromEnvironment({ DATABASE_URL, ...made }).tls).toEqual({
      cert: '/tmp/home/tls/cert.pem',
      key: '/tmp/home/tls/key.pem',
      made: true,
    });
  });
});
