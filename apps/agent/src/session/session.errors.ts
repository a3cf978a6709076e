import { AppError } from '@millrace/core';

export interface TokenSought {
  /** A credential of an earlier start is there, and the API does not take it any more. */
  readonly refused: boolean;
  /** Where a token was looked for. */
  readonly file?: string | undefined;
}

export function tokenNeeded({ refused, file }: TokenSought): AppError {
  const why = refused ? "the agent's credential was refused" : 'the agent has no credential yet';
  const where = file === undefined ? '' : `, and ${file} is not there or empty`;
  return new AppError({
    code: 'AGENT.TOKEN_NEEDED',
    kind: 'unauthenticated',
    message:
      `${why}${where}; make a join token with \`millrace join-token\` where the API runs, and give it with ` +
      '--token or --token-file (MILLRACE_TOKEN, MILLRACE_TOKEN_FILE)',
  });
}

/** Plain text was tried, and TLS is spoken. */
export function tlsNeeded(address: string): AppError {
  return new AppError({
    code: 'AGENT.TLS_NEEDED',
    kind: 'precondition',
    message:
      `the API at ${address} speaks TLS: copy tls/ca.pem of its home to this machine and give it with --ca ca.pem ` +
      '(MILLRACE_TLS_CA), or --ca system where its certificate is one that this machine trusts anyway',
  });
}

/** The certificate is none of the authority that was given, or not for this name, or over. */
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
