import type { TokenScope, UserRole } from '@millrace/contracts';
import type { z } from 'zod';

/** Groups of calls, each with its subject. */
export const TAGS = {
  runs: 'Training runs: submit, watch, steer.',
  datasets: 'Text that runs read, as tokens.',
  checkpoints: 'Models at a step: export, import, generate.',
  agents: 'Devices that train.',
  accounts: 'Users, tokens, projects, and who did what.',
  system: 'The cluster as a whole, health, and this document.',
} as const;
export type Tag = keyof typeof TAGS;

export interface RouteDescription {
  /** Example: `GET /api/v1/runs/{id}` */
  readonly route: string;
  /** Stable name of the operation, for generated clients. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** The content types of the body. A document has a schema; bytes have none. */
  readonly body?: { readonly types: readonly string[]; readonly schema?: z.ZodType; readonly example?: unknown };
  readonly status: number;
  readonly answer?: RouteAnswer;
  /** A different answer that the caller can ask for. */
  readonly otherwise?: { readonly status: number; readonly summary: string } & RouteAnswer;
  /** The least role, and the scope of the token; null if the call needs no token. */
  readonly access: readonly [UserRole, TokenScope] | null;
  /** The call may be refused because of the state of the thing that it acts on. */
  readonly conflicts?: true;
}

export interface RouteAnswer {
  readonly type: string;
  readonly schema?: z.ZodType;
  readonly example?: unknown;
}

export const json = (schema: z.ZodType, example?: unknown): RouteAnswer => ({
  type: 'application/json',
  schema,
  example,
});
/** The example of a page that has only this item. */
export const pageOf = (example: unknown): unknown => ({ items: [example], nextCursor: null });

export const DOCUMENT_TYPES = ['application/json', 'application/yaml'];
export const SSE = 'text/event-stream';
export const VIEWER = ['viewer', 'read'] as const;
