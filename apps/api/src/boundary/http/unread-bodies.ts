import type { Socket } from 'node:net';
import type { Clock } from '@millrace/core';
import type { NextFunction, Request, Response } from 'express';

/** If no more than this is left of a body, it is read after the answer, so that the connection can be used again. */
const SMALL_BYTES = 65_536;
/** For how long the rest of a body is read and dropped, so that its sender comes to read the answer. */
const LINGER_MS = 30_000;

/**
 * Saves an answer that is given before its request was read. If the connection is closed while bytes still arrive, it
 * is reset and the answer is lost; if it is kept open, the rest of the body would be read as the next request. A long
 * rest is therefore announced with `Connection: close`, and read until its sender is done or the time is over.
 */
export function keepEarlyAnswers(clock: Clock) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const lengthBytes = bodyBytes(request);
    if (lengthBytes > 0) {
      const { socket } = request;
      const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => Response;
      response.writeHead = (...given: unknown[]): Response => {
        if (!request.complete && lengthBytes > SMALL_BYTES) {
          response.setHeader('Connection', 'close');
          lingerInsteadOfReset(socket);
        }
        return writeHead(...given);
      };
      response.once('finish', () => {
        if (request.complete) return;
        request.resume();
        const cancel = clock.after(LINGER_MS, () => socket.destroy());
        // The connection outlives the request: listeners added for each request would pile up on it.
        const over = (): void => {
          cancel();
          socket.off('close', over);
        };
        socket.once('close', over);
        request.once('end', over);
      });
    }
    next();
  };
}

/** Node closes a connection completely once its last answer is written; this closes only our side of it. */
function lingerInsteadOfReset(socket: Socket): void {
  socket.destroySoon = (): void => {
    socket.end();
    // The sender is done, or gone.
    socket.once('end', () => socket.destroy());
  };
}

/** Infinity if the request does not tell the length. */
function bodyBytes(request: Request): number {
  if (request.headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(request.headers['content-length'] ?? 0);
}
