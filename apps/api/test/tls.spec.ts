import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthV1 } from '@millrace/contracts';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { RunningApi, START_MS_MAX } from './running-api';

describe('an API with certificates of its own', () => {
  let api: RunningApi;
  let ca: Buffer;
  let origin: string;
  beforeAll(async () => {
    api = await RunningApi.start({ MILLRACE_TLS: 'made' });
    ca = await readFile(join(api.home, 'tls', 'ca.pem'));
    origin = api.origin.replace('http:', 'https:');
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  it('is trusted over HTTPS by who trusts its authority, and refused otherwise', async () => {
    const dispatcher = new Agent({ connect: { ca } });
    const response = await undiciFetch(`${origin}/healthz`, { dispatcher });
    expect(response.status).toBe(200);
    expect(response.headers.get('strict-transport-security')).toContain('max-age');
    await expect(fetch(`${origin}/healthz`)).rejects.toThrow();
    await dispatcher.close();
  });

  it('marks the cookie of a browser as secure, and tells agents how to trust it', async () => {
    const dispatcher = new Agent({ connect: { ca } });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ token: api.token });
    const session = await undiciFetch(`${origin}/api/v1/session`, { method: 'POST', headers, body, dispatcher });
    expect(session.headers.get('set-cookie')).toContain('; Secure');
    const authorization = `Bearer ${api.token}`;
    const join = await undiciFetch(`${origin}/api/v1/join-tokens`, {
      method: 'POST',
      headers: { ...headers, authorization },
      body: '{}',
      dispatcher,
    });
    const { grpc } = { grpc: api.application.get(GrpcServer, { strict: false }).address };
    expect(await join.json()).toMatchObject({
      command: expect.stringMatching(new RegExp(`^millrace agent --join ${grpc} --token mlrjoin_\\w+ --ca ca.pem$`)),
    });
    await dispatcher.close();
  });

  it('serves gRPC over TLS alone', async () => {
    const { address } = api.application.get(GrpcServer, { strict: false });
    const check = (by: ReturnType<typeof credentials.createSsl>): Promise<number> =>
      new Promise((resolve, reject) => {
        const client = new healthV1.HealthClient(address, by);
        client.check({ service: '' }, { deadline: Date.now() + 5_000 } as never, (error, answer) => {
          client.close();
          if (error) reject(error);
          else resolve(answer.status);
        });
      });
    expect(await check(credentials.createSsl(ca))).toBe(healthV1.HealthCheckResponse_ServingStatus.SERVING);
    await expect(check(credentials.createInsecure())).rejects.toThrow();
  });
});
