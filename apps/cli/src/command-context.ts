import { Command, InvalidArgumentError } from 'commander';
import type { Clock } from '@millrace/core';
import { MillraceClient } from '@millrace/sdk';
import { type CliConfig, findEndpoint } from './config/cli-config';
import { trustingFetch } from './config/trusting-fetch';
import { Output } from './output';

/** What every command gets: the settings, a clock and, when it asks for it, the API's client. */
export interface CommandContext {
  readonly config: CliConfig;
  readonly clock: Clock;
  /** The folder of the built programs, `dist`. */
  readonly programs: string;
  readonly client: () => MillraceClient;
  readonly output: (options: { json?: boolean }) => Output;
}

export function createContext(config: CliConfig, clock: Clock, programs: string): CommandContext {
  return {
    config,
    clock,
    programs,
    client: () => {
      const { http, token } = findEndpoint(config);
      const trusted = http.startsWith('https:') && config.tlsCa !== undefined && config.tlsCa !== 'system';
      return new MillraceClient({
        origin: http,
        token,
        ...(trusted ? { fetch: trustingFetch(config.tlsCa) } : {}),
      });
    },
    output: ({ json }) => new Output(json === true),
  };
}

/** Makes a command with the option that every command has, and with an example in its help. */
export function command(usage: string, description: string, example: string): Command {
  return new Command(usage)
    .description(description)
    .option('--json', 'print exactly one JSON document on standard output')
    .addHelpText('after', `\nExample:\n  $ ${example}\n`);
}

/** Parses an option that must be a whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`it must be a whole number of at least ${minimum}.`);
    }
    return value;
  };
}

const PORT_MAX = 65_535;

/** Parses an option that must be a TCP port, or 0 for any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0 || value > PORT_MAX)
    throw new InvalidArgumentError(`it must be a port from 1 to ${PORT_MAX}, or 0 for any free one.`);
  return value;
}

/** Parses an option that must be a number of at least 0. */
export function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('it must be a number of at least 0.');
  return value;
}
