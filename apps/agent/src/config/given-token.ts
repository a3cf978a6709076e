import { readFileSync } from 'node:fs';
import type { AgentConfig } from './agent-config';
import { tokenFileUnreadable } from './config.errors';

/**
 * The token that this agent was started with: of the file, which may be deleted once the agent has joined, else the
 * one given as it is. Error: AGENT.TOKEN_FILE_UNREADABLE.
 */
export function givenToken({ token, tokenFile }: Pick<AgentConfig, 'token' | 'tokenFile'>): string | undefined {
  if (tokenFile === undefined) return token;
  try {
    const text = readFileSync(tokenFile, 'utf8').trim();
    return text === '' ? token : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return token;
    throw tokenFileUnreadable(tokenFile, error);
  }
}
