import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tlsMismatch } from './tls-mismatch';

/** What the API is in plain text; tests/e2e/joining.spec.ts has one with TLS. */
describe('an API without TLS', () => {
  let server: Http2Server;
  let address: string;
  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it('is told from one with TLS', async () => {
    const mismatch = await tlsMismatch({ address, authority: { name: 'ca.pem', pem: undefined } });
    expect(mismatch).toMatchObject({ code: 'AGENT.TLS_UNEXPECTED' });
    expect(mismatch?.message).toContain(address);
  });

  it('is none that plain text could not reach', async () => {
    expect(await tlsMismatch({ address, authority: undefined })).toBeUndefined();
  });
});

it('has nothing to say of an API that is away', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  await once(server, 'close');
  expect(await tlsMismatch({ address, authority: undefined })).toBeUndefined();
  expect(await tlsMismatch({ address, authority: { name: 'ca.pem', pem: undefined } })).toBeUndefined();
});
