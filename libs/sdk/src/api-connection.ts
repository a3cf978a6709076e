import { AppError, type ErrorKind } from '@millrace/core';
import type { Problem } from '@millrace/contracts';
import { apiUnreachable, unexpectedAnswer } from './sdk.errors';
import { type ServerSentEvent, readServerSentEvents } from './server-sent-events';

/** What `fetch` takes as a body. */
export type RequestBody = NonNullable<RequestInit['body']>;

export interface ConnectionOptions {
  /** Where the API is, for instance `http://127.0.0.1:7070`; with a path if a proxy serves it below one. */
  readonly origin: string;
  /** Left out in a browser that is signed in, which sends the session's cookie. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly contentType?: string;
  readonly body?: RequestBody;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One API and the token for it: turns answers into values, and problem documents into `AppError`s. */
export class ApiConnection {
  readonly origin: string;
  private readonly token: string | undefined;
  private readonly fetch: typeof fetch;

  constructor(options: ConnectionOptions) {
    this.origin = options.origin.replace(/\/+$/, '');
    this.token = options.token;
    // A browser's fetch must be called on the window.
    this.fetch = options.fetch ?? ((...request) => fetch(...request));
  }

  async json<T>(path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.call(path, options);
    return (await response.json()) as T;
  }

  async text(path: string, options: CallOptions = {}): Promise<string> {
    return (await this.call(path, options)).text();
  }

  async bytes(path: string): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.call(path, {});
    if (body === null) throw unexpectedAnswer(path, 'no body');
    return body;
  }

  async nothing(path: string, options: CallOptions): Promise<void> {
    await (await this.call(path, options)).arrayBuffer();
  }

  /** A stream of server-sent events after `lastEventId`. It ends when the server ends it or `signal` aborts. */
  async *events(
    path: string,
    options: CallOptions & { readonly lastEventId?: string },
  ): AsyncGenerator<ServerSentEvent> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (options.lastEventId !== undefined) headers['last-event-id'] = options.lastEventId;
    const response = await this.call(path, { ...options, headers });
    if (response.body === null) throw unexpectedAnswer(path, 'no body');
    for await (const event of readServerSentEvents(response.body)) {
      // This event is sent to a reader that is too slow, just before the stream ends.
      if (event.type !== 'cut') yield event;
    }
  }

  private async call(path: string, options: CallOptions): Promise<Response> {
    const url = new URL(`${this.origin}/api/v1${path}`);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const headers: Record<string, string> = { ...options.headers };
    if (this.token !== undefined) headers['authorization'] = `Bearer ${this.token}`;
    if (options.contentType !== undefined) headers['content-type'] = options.contentType;
    const init: RequestInit = { method: options.method ?? 'GET', headers };
    if (options.body !== undefined) Object.assign(init, { body: options.body, duplex: 'half' });
    if (options.signal !== undefined) init.signal = options.signal;
    const response = await this.ask(url, init).catch((cause: unknown) => {
      throw options.signal?.aborted === true ? cause : apiUnreachable(this.origin, cause);
    });
    if (!response.ok) throw await problemError(response);
    return response;
  }

  /**
   * Sends a request. A server may close a kept-open connection in the moment in which it is used: a request that
   * changes nothing is then sent again.
   */
  private async ask(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await this.fetch(url, init);
    } catch (error) {
      if (init.method !== 'GET' || !wasReset(error)) throw error;
      return this.fetch(url, init);
    }
  }
}

/** Whether a connection existed and was lost, as opposed to one that could not be made. */
function wasReset(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'precondition',
  413: 'too_large',
  415: 'invalid',
  422: 'invalid',
  429: 'rate_limited',
  503: 'unavailable',
  507: 'exhausted',
};

/** Turns the API's problem document back into the error that it was there. */
async function problemError(response: Response): Promise<AppError> {
  const text = await response.text();
  const kind = KIND_OF_STATUS[response.status] ?? 'internal';
  try {
    const problem = JSON.parse(text) as Problem;
    const fields = problem.errors === undefined ? {} : { fields: problem.errors };
    return new AppError({ code: problem.code, kind, message: problem.detail, ...fields });
  } catch (cause) {
    return new AppError({
      code: 'SDK.UNEXPECTED_ANSWER',
      kind,
      message: `the API answered ${response.status} without a problem document: ${text.slice(0, 200)}`,
      cause,
    });
  }
}
