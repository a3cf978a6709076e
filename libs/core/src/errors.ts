/**
 * The kind of a failure, from the caller's side. Its HTTP status is in the API's boundary (kind-to-http.ts), its gRPC
 * status in libs/contracts/src/grpc-status.ts.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'precondition'
  | 'too_large'
  | 'rate_limited'
  | 'exhausted'
  | 'unavailable'
  | 'aborted'
  | 'internal';

/** One thing wrong with an input: `path` is a JSON pointer ("/train/steps"), "" for the whole document. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface AppErrorOptions {
  /** Stable code, AREA.WHAT, documented in docs/errors.md. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** Says what happened, with which values, and what to change. */
  readonly message: string;
  readonly fields?: readonly FieldError[];
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An expected failure, which is reported to whoever caused it. */
export class AppError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly fields: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = options.code;
    this.kind = options.kind;
    this.fields = options.fields ?? [];
    this.details = options.details ?? {};
  }
}

/** A bug: an invariant did not hold. It is never caught locally. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The message of anything thrown, with its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
