import { AppError } from '@millrace/core';

export interface TokenSought {
  /** There is a credential of an earlier start, but the API does not accept it any more. */
  readonly refused: boolean;
  /** The file in which a token was looked for. */
  readonly file?: string | undefined;
}

export function tokenNeeded({ refused, file }: TokenSought): AppError {
  const why = refused ? "the agent's credential was refused" : 'the agent has no credential yet';
  const where = file === undefined ? '' : `, and ${file} does not exist or is empty`;
  return new AppError({
    code: 'AGENT.TOKEN_NEEDED',
    kind: 'unauthenticated',
    message:
      `${why}${where}; make a join token with \`millrace join-token\` where the API runs, and give it with ` +
      '--token or --token-file (MILLRACE_TOKEN, MILLRACE_TOKEN_FILE)',
  });
}

/** The agent tried plain text, but the API speaks TLS. */
export function tlsNeeded(address: string): AppError {
  return new AppError({
    code: 'AGENT.TLS_NEEDED',
    kind: 'precondition',
    message:
      `the API at ${address} speaks TLS: copy tls/ca.pem of its home to this machine and give it with --ca ca.pem ` +
      '(MILLRACE_TLS_CA), or --ca system if this machine trusts its certificate anyway',
  });
}

/** The certificate was not issued by the given authority, does not have this name, or has expired. */
export function tlsUntrusted(address: string, authority: string, reason: string): AppError {
  return new AppError({
    code: 'AGENT.TLS_UNTRUSTED',
    kind: 'precondition',
    message:
      `the certificate of the API at ${address} is not trusted by ${authority}: ${reason}. Copy tls/ca.pem of the ` +
      "API's home anew, join under a name that the certificate has, or add the name to MILLRACE_TLS_NAMES of the API",
  });
}

export function tlsUnexpected(address: string): AppError {
  return new AppError({
    code: 'AGENT.TLS_UNEXPECTED',
    kind: 'precondition',
    message: `the API at ${address} does not speak TLS: leave out --ca (MILLRACE_TLS_CA), or start it with --tls`,
  });
}
