import type { Socket } from 'node:net';
import type { Clock } from '@millrace/core';
import type { NextFunction, Request, Response } from 'express';

/** What is left of a body that is this short is read after an answer, so that the connection can be used again. */
const SMALL_BYTES = 65_536;
/** How long the rest of a body is read and thrown away, so that its sender comes to read the answer. */
const LINGER_MS = 30_000;

/**
 * Keeps an answer that is given before its request was read. A connection that is closed while bytes are still coming
 * is reset, and the answer lost with it; one that is kept open would take the rest of the body for the next request.
 * So a long rest is announced with `Connection: close`, and read until its sender is done or the time is over.
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
        // The connection outlives the request, and must not collect what is to be done for each.
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

/** Node ends a connection for good as soon as its last answer is written; this closes our side of it alone. */
function lingerInsteadOfReset(socket: Socket): void {
  socket.destroySoon = (): void => {
    socket.end();
    // Its sender is done, or gone.
    socket.once('end', () => socket.destroy());
  };
}

/** Infinity where the length is not told. */
function bodyBytes(request: Request): number {
  if (request.headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(request.headers['content-length'] ?? 0);
}
