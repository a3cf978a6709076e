import type {
  AuditEntryBody,
  CreatedToken,
  JoinTokenBody,
  JoinTokenRecord,
  NewProject,
  NewToken,
  NewUser,
  Page,
  ProjectBody,
  ProjectChanges,
  SessionBody,
  TokenBody,
  UserBody,
  UserChanges,
} from '@millrace/contracts';
import type { ApiConnection, CallOptions } from './api-connection';
import type { PageQuery } from './all-pages';

/** What is left out gets the API's default. */
type TokenRequest = Pick<NewToken, 'name'> & Partial<NewToken>;
type ProjectRequest = Pick<NewProject, 'name'> & Partial<NewProject>;

/** Calls about accounts: one method per call of docs/openapi.json. */
export class AccountsClient {
  constructor(private readonly connection: ApiConnection) {}

  /** Signs a browser in: from then on its cookie stands for the token. */
  signIn(token: string): Promise<SessionBody> {
    return this.connection.json('/session', document('POST', { token }));
  }

  session(): Promise<SessionBody> {
    return this.connection.json('/session');
  }

  signOut(): Promise<void> {
    return this.connection.nothing('/session', { method: 'DELETE' });
  }

  users(query: PageQuery = {}): Promise<Page<UserBody>> {
    return this.connection.json('/users', { query: { ...query } });
  }

  createUser(user: NewUser): Promise<UserBody> {
    return this.connection.json('/users', document('POST', user));
  }

  updateUser(id: string, changes: UserChanges): Promise<UserBody> {
    return this.connection.json(at('users', id), document('PATCH', changes));
  }

  tokens(query: PageQuery = {}): Promise<Page<TokenBody>> {
    return this.connection.json('/tokens', { query: { ...query } });
  }

  /** Only this answer contains the secret. */
  createToken(token: TokenRequest): Promise<CreatedToken> {
    return this.connection.json('/tokens', document('POST', token));
  }

  revokeToken(id: string): Promise<void> {
    return this.connection.nothing(at('tokens', id), { method: 'DELETE' });
  }

  /** Makes a token that enrols one agent, once. */
  createJoinToken(
    request: { readonly expiresInSeconds?: number; readonly uses?: number } = {},
  ): Promise<JoinTokenBody> {
    return this.connection.json('/join-tokens', document('POST', request));
  }

  joinTokens(query: PageQuery = {}): Promise<Page<JoinTokenRecord>> {
    return this.connection.json('/join-tokens', { query: { ...query } });
  }

  /** Revokes a join token: it enrols no more agents; those that joined with it stay. */
  revokeJoinToken(id: string): Promise<void> {
    return this.connection.nothing(at('join-tokens', id), { method: 'DELETE' });
  }

  projects(query: PageQuery = {}): Promise<Page<ProjectBody>> {
    return this.connection.json('/projects', { query: { ...query } });
  }

  createProject(project: ProjectRequest): Promise<ProjectBody> {
    return this.connection.json('/projects', document('POST', project));
  }

  updateProject(id: string, changes: ProjectChanges): Promise<ProjectBody> {
    return this.connection.json(at('projects', id), document('PATCH', changes));
  }

  audit(query: PageQuery & { readonly actor?: string; readonly action?: string } = {}): Promise<Page<AuditEntryBody>> {
    return this.connection.json('/audit', { query: { ...query } });
  }
}

const at = (collection: string, id: string): string => `/${collection}/${encodeURIComponent(id)}`;

function document(method: 'POST' | 'PATCH', body: unknown): CallOptions {
  return { method, contentType: 'application/json', body: JSON.stringify(body) };
}
