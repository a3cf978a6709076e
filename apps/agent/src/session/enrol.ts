import { AppError, Backoff, type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { tokenNeeded } from './session.errors';

const FIRST_DELAY_MS = 200;
const DELAY_MS_MAX = 5000;

export interface EnrolOptions {
  /** Sends the token to the API: see AgentService.Enroll. */
  readonly ask: (token: string) => Promise<string | undefined>;
  /**
   * Reads the admin's or join token that was given, if any. It is read only when it is needed: its file may be
   * unreadable.
   */
  readonly token: () => string | undefined;
  /** The file in which a token was looked for without success. */
  readonly tokenFile?: string | undefined;
  /** Says why the API cannot be reached, if waiting will not help. */
  readonly explain: () => Promise<AppError | undefined>;
  /** The credential that an earlier enrolment gave. */
  readonly known: string | undefined;
  readonly keep: (credential: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * Returns the agent's own credential: the known one if the API still accepts it, else a new one in exchange for the
 * token. While the API is away, a known credential is used without a check, so that the agent can start; an agent that
 * knows none waits for the API. Errors: AGENT.TOKEN_NEEDED, AGENT.TLS_*, what `token` throws, and how the API refuses
 * the token.
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

/**
 * Whether trying again may help: the API is away, or many agents asked from one address at once, as after a power cut.
 */
function mayPass(error: unknown): boolean {
  return error instanceof AppError && ['unavailable', 'exhausted'].includes(error.kind);
}
