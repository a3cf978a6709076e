import { AppError, Backoff, type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { tokenNeeded } from './session.errors';

const FIRST_DELAY_MS = 200;
const DELAY_MS_MAX = 5000;

export interface EnrolOptions {
  /** Asks the API; see AgentService.Enroll. */
  readonly ask: (token: string) => Promise<string | undefined>;
  /** An admin's token or a join token, if one was given. Asked only where it is needed: its file may be unreadable. */
  readonly token: () => string | undefined;
  /** Where a token was looked for and none found. */
  readonly tokenFile?: string | undefined;
  /** Why the API cannot be reached, where that is no question of time. */
  readonly explain: () => Promise<AppError | undefined>;
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
 * Errors: AGENT.TOKEN_NEEDED, AGENT.TLS_*, what `token` throws, and what the API says to the token.
 */
export async function enrol(options: EnrolOptions): Promise<string> {
  const { known, ask } = options;
  if (known !== undefined && (await stillGood(known, options))) return known;
  const token = options.token();
  if (token === undefined) throw tokenNeeded({ refused: known !== undefined, file: options.tokenFile });
  const backoff = new Backoff(FIRST_DELAY_MS, DELAY_MS_MAX, options.random);
  for (;;) {
    try {
      const credential = (await ask(token)) ?? token;
      options.keep(credential);
      return credential;
    } catch (error) {
      if (!mayPass(error)) throw error;
      await throwMismatch(options);
      options.logger.warn({ reason: describeError(error) }, 'the API does not answer; trying again');
      await sleep(options.clock, backoff.nextMs());
    }
  }
}

async function stillGood(known: string, options: EnrolOptions): Promise<boolean> {
  try {
    await options.ask(known);
    return true;
  } catch (error) {
    if (!mayPass(error)) return false;
    await throwMismatch(options);
    return true;
  }
}

async function throwMismatch({ explain }: EnrolOptions): Promise<void> {
  const mismatch = await explain();
  if (mismatch !== undefined) throw mismatch;
}

/** The API is away, or was asked too often: many agents may come from one address after a power cut. */
function mayPass(error: unknown): boolean {
  return error instanceof AppError && ['unavailable', 'exhausted'].includes(error.kind);
}
