import {
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { fieldErrors, plainWords } from '@millrace/contracts';
import { type Clock, within } from '@millrace/core';
import { raw, type Request, type Response } from 'express';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import { type AccessRule, mayDo } from '../auth/access';
import { optionalCallerOf } from '../auth/auth.guard';
import { DocumentReader, type DocumentType } from './document-reader';
import { refuseEncoding } from '../http/refuse-encoding';
import { CLOCK } from '../config/api-logger';
import { bodyInvalid, bodySlow, contentTypeUnknown, yamlForbidden } from '../http/boundary.errors';

export const DOCUMENT_BYTES_MAX = 1024 ** 2;

const TYPES: Readonly<Record<string, DocumentType>> = {
  'application/json': 'application/json',
  'application/yaml': 'application/yaml',
  'application/x-yaml': 'application/yaml',
  'text/yaml': 'application/yaml',
};

/** The limit for a route that needs no token: a sign-in is one line. */
const PUBLIC_BYTES_MAX = 4096;

/** The time that a megabyte takes over the slowest line that somebody would work with. */
const BODY_MS_MAX = 30_000;

const readBytes = raw({ type: () => true, limit: DOCUMENT_BYTES_MAX, inflate: false });
const readFewBytes = raw({ type: () => true, limit: PUBLIC_BYTES_MAX, inflate: false });
const SUBMITS: AccessRule = { role: 'member', scope: 'runs' };
const DOCUMENT_ROUTE = Symbol('takes a document');

interface WithDocument {
  /** The body as it came, for the fingerprint of an idempotency key. */
  rawBody?: Buffer;
  document?: unknown;
}

/** Reads the body after the guards have run: without a token nobody can make the API read a megabyte, nor any YAML. */
@Injectable()
export class DocumentInterceptor implements NestInterceptor {
  constructor(
    private readonly reader: DocumentReader,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (Reflect.getMetadata(DOCUMENT_ROUTE, context.getHandler()) !== true) return next.handle();
    const request = context.switchToHttp().getRequest<Request & WithDocument>();
    const type = documentType(request);
    const caller = optionalCallerOf(request);
    if (type === 'application/yaml' && !(caller && mayDo(caller, SUBMITS))) throw yamlForbidden();
    const read = caller === undefined ? readFewBytes : readBytes;
    const response = context.switchToHttp().getResponse<Response>();
    const bytes = await this.inTime(readBody(read, request, response));
    request.rawBody = bytes;
    request.document = await this.reader.read(bytes, type);
    return next.handle();
  }

  /** @throws AppError API.BODY_SLOW */
  private inTime(reading: Promise<Buffer>): Promise<Buffer> {
    const late = (): never => {
      throw bodySlow(BODY_MS_MAX / 1000);
    };
    return within(this.clock, BODY_MS_MAX, { work: reading, late });
  }
}

/**
 * Marks a route whose body is a JSON or YAML document of at most 1 MiB; on a route without a token, a few KB of JSON.
 */
export function TakesDocument(): MethodDecorator {
  return SetMetadata(DOCUMENT_ROUTE, true);
}

/** The parsed body of a route marked with TakesDocument. */
export const Document = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  return context.switchToHttp().getRequest<WithDocument>().document;
});

/** @throws AppError API.BODY_INVALID, which names every field */
export function parseBody<T extends z.ZodType>(schema: T, document: unknown): z.output<T> {
  const parsed = schema.safeParse(document, { error: plainWords });
  if (!parsed.success) throw bodyInvalid(fieldErrors(parsed.error));
  return parsed.data;
}

export function rawBodyOf(request: Request): Buffer | undefined {
  return (request as Request & WithDocument).rawBody;
}

function documentType(request: Request): DocumentType {
  const given = request.headers['content-type'];
  const [name = '', ...parameters] = (given ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const type = TYPES[name];
  if (type === undefined || (charset !== undefined && charset.replaceAll('"', '') !== 'utf-8')) {
    throw contentTypeUnknown(given, ['application/json', 'application/yaml']);
  }
  refuseEncoding(request);
  return type;
}

function readBody(read: typeof readBytes, request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(request, response, (error: unknown) => {
      if (error) reject(error instanceof Error ? error : new TypeError(String(error)));
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}
