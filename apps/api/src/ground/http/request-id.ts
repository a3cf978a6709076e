import { randomText } from '@millrace/core';
import type { NextFunction, Request, Response } from 'express';

const REQUEST_ID = Symbol('requestId');

/** Gives each request an id, which appears in a header, in problems and in the log. */
export function assignRequestId(request: Request, response: Response, next: NextFunction): void {
  const id = randomText(10);
  Object.assign(request, { [REQUEST_ID]: id });
  response.setHeader('X-Request-Id', id);
  next();
}

export function requestIdOf(request: Request): string {
  return (request as { [REQUEST_ID]?: string })[REQUEST_ID] ?? 'unknown';
}
