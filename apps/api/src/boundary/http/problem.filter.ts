import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, NotFoundException } from '@nestjs/common';
import { type AppError, describeError, type Logger } from '@millrace/core';
import type { Express, Request, Response } from 'express';
import { LOGGER } from '../../ground/config/api-logger';
import { methodNotAllowed, routeNotFound } from '../../ground/http/boundary.errors';
import { PRIVATE } from '../../ground/http/cache-control';
import { allowedMethods } from './allowed-methods';
import { toProblem } from './problem';
import { requestIdOf } from '../../ground/http/request-id';
import { unexplainedFailure } from '../unexplained-failure';
import { toAppError } from './to-app-error';

const RETRY_AFTER_SECONDS = '1';
const OF_ANOTHER_BODY = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Last-Modified',
];

/** Answers every error, whatever threw it, as application/problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const error = this.explain(thrown, request);
    if (response.headersSent) {
      // The answer has begun: cutting it short is the only way left to report the error.
      response.destroy();
      return;
    }
    const problem = toProblem(error, requestIdOf(request));
    setHeaders(response, error, problem.status);
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }

  private explain(thrown: unknown, request: Request): AppError {
    const noRoute = thrown instanceof NotFoundException && request.route === undefined;
    const error = noRoute ? noRouteError(request) : toAppError(thrown);
    const requestId = requestIdOf(request);
    if (error === undefined) return unexplainedFailure(thrown, this.logger, { requestId });
    if (error.kind === 'internal' || error.kind === 'unavailable') {
      this.logger.error({ requestId, code: error.code, reason: describeError(error) }, 'request failed');
    }
    return error;
  }
}

function noRouteError({ app, method, path }: Request): AppError {
  const allowed = allowedMethods(app as Express, path);
  return allowed.length === 0 ? routeNotFound(method, path) : methodNotAllowed(method, path, allowed);
}

function setHeaders(response: Response, error: AppError, status: number): void {
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="millrace"');
  if ((status === 429 || status === 503) && !response.hasHeader('Retry-After'))
    response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  const { allowed } = error.details;
  if (status === 405 && Array.isArray(allowed)) response.setHeader('Allow', allowed.join(', '));
  const { contentRange } = error.details;
  // These headers were set for the answer that was intended, and are wrong for this one.
  for (const name of OF_ANOTHER_BODY) response.removeHeader(name);
  if (typeof contentRange === 'string') response.setHeader('Content-Range', contentRange);
  response.setHeader('Cache-Control', PRIVATE);
}
