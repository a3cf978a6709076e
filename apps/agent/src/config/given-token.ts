import { readFileSync } from 'node:fs';
import type { AgentConfig } from './agent-config';
import { tokenFileUnreadable } from './config.errors';

/**
 * The token that this agent was started with. A file that is not there is no token: it may be deleted once the agent
 * has joined. Error: AGENT.TOKEN_FILE_UNREADABLE.
 */
export function givenToken({ token, tokenFile }: Pick<AgentConfig, 'token' | 'tokenFile'>): string | undefined {
  if (tokenFile === undefined) return token;
  try {
    const text = readFileSync(tokenFile, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw tokenFileUnreadable(tokenFile, error);
  }
}
