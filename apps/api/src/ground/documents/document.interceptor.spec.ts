import { createServer, request as httpRequest, type ClientRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from '@nestjs/common';
import { AppError } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import type { Request, Response } from 'express';
import { of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DocumentInterceptor, TakesDocument } from './document.interceptor';
import { DocumentReader } from './document-reader';

class Route {
  @TakesDocument()
  take(this: void): void {
    // Only its mark counts.
  }
}

/** The result of each request: its document, or the code of its error. */
type Outcome = unknown;

describe('the time for a body', () => {
  const clock = new FakeClock();
  const interceptor = new DocumentInterceptor(new DocumentReader(clock), clock);
  const open: ClientRequest[] = [];
  let server: Server;
  let outcome: Promise<Outcome>;
  let arrived: Promise<void>;

  beforeEach(async () => {
    let begun = (): void => undefined;
    arrived = new Promise((resolve) => (begun = resolve));
    server = createServer();
    outcome = new Promise((resolve) => {
      server.on('request', (request: Request & { document?: unknown }, response: Response) => {
        const context = {
          getHandler: () => Route.prototype.take,
          switchToHttp: () => ({ getRequest: () => request, getResponse: () => response }),
        } as unknown as ExecutionContext;
        interceptor.intercept(context, { handle: () => of(undefined) }).then(
          () => resolve(request.document),
          (error: unknown) => resolve(error instanceof AppError ? error : String(error)),
        );
        begun();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const request of open.splice(0)) request.destroy();
    server.close();
  });

  function post(): ClientRequest {
    const { port } = server.address() as AddressInfo;
    const headers = { 'content-type': 'application/json', 'content-length': '9' };
    const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', headers });
    request.on('error', () => undefined);
    open.push(request);
    return request;
  }

  it('is over 30 s after the head, and the error says so', async () => {
    const before = clock.monotonicMs();
    post().write('{"a"');
    await arrived;
    expect(clock.fireNext()).toBe(true);
    expect(clock.monotonicMs() - before).toBe(30_000);
    expect(await outcome).toMatchObject({ code: 'API.BODY_SLOW', message: expect.stringContaining('30 s') });
  });

  it('does not go on once the body is there', async () => {
    const request = post();
    request.write('{"a"');
    await arrived;
    clock.standStill(29_999);
    request.end(': 1 }');
    expect(await outcome).toEqual({ a: 1 });
    expect(clock.fireNext()).toBe(false);
  });
});
