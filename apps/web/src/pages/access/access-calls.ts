import type {
  CreatedToken,
  NewProject,
  NewToken,
  NewUser,
  Page,
  ProjectBody,
  ProjectChanges,
  TokenBody,
  UserBody,
  UserChanges,
} from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { client } from '../../api/client';

const { connection } = client;

/** Users, tokens and projects of the API. */
export const access = {
  users: (): Promise<UserBody[]> => list('/users'),
  tokens: (): Promise<TokenBody[]> => list('/tokens'),
  projects: (): Promise<ProjectBody[]> => list('/projects'),
  createUser: (user: NewUser): Promise<UserBody> => send('POST', '/users', user),
  changeUser: (id: string, changes: UserChanges): Promise<UserBody> => send('PATCH', `/users/${id}`, changes),
  removeUser: (id: string): Promise<void> => connection.nothing(`/users/${id}`, { method: 'DELETE' }),
  createToken: (token: NewToken): Promise<CreatedToken> => send('POST', '/tokens', token),
  removeToken: (id: string): Promise<void> => connection.nothing(`/tokens/${id}`, { method: 'DELETE' }),
  createProject: (project: NewProject): Promise<ProjectBody> => send('POST', '/projects', project),
  changeProject: (id: string, changes: ProjectChanges): Promise<ProjectBody> =>
    send('PATCH', `/projects/${id}`, changes),
};

function list<T>(path: string): Promise<T[]> {
  return allPages((cursor) => connection.json<Page<T>>(path, { query: { limit: 1000, cursor } }));
}

function send<T>(method: 'POST' | 'PATCH', path: string, body: unknown): Promise<T> {
  return connection.json(path, { method, contentType: 'application/json', body: JSON.stringify(body) });
}
