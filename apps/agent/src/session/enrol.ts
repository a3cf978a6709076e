import { AppError, type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { Backoff } from '../data-plane/link/backoff';
import { tokenNeeded } from './session.errors';

const FIRST_DELAY_MS = 200;
const DELAY_MS_MAX = 5000;

export interface EnrolOptions {
  /** Asks the API; see AgentService.Enroll. */
  readonly ask: (token: string) => Promise<string | undefined>;
  /** An admin's token or a join token, if one was given. */
  readonly token: string | undefined;
  /** What an earlier enrolment gave. */
  readonly known: string | undefined;
  readonly keep: (credential: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * The agent's own credential: the known one if the API still takes it, else a new one for the token. Without an API the
 * known one is taken on trust, so that an agent starts while the API is away; one that knows none waits for it.
 * Errors: AGENT.TOKEN_NEEDED, and what the API says to the token.
 */
export async function enrol(options: EnrolOptions): Promise<string> {
  const { token, known, ask } = options;
  if (known !== undefined && (await stillGood(known, ask))) return known;
  if (token === undefined) throw tokenNeeded(known !== undefined);
  const backoff = new Backoff(FIRST_DELAY_MS, DELAY_MS_MAX, options.random);
  for (;;) {
    try {
      const credential = (await ask(token)) ?? token;
      options.keep(credential);
      return credential;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      options.logger.warn({ reason: describeError(error) }, 'the API does not answer; trying again');
      await sleep(options.clock, backoff.nextMs());
    }
  }
}

async function stillGood(known: string, ask: EnrolOptions['ask']): Promise<boolean> {
  try {
    await ask(known);
    return true;
  } catch (error) {
    return isUnavailable(error);
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'unavailable';
}
