import { AppError } from '@millrace/core';

/** An environment variable has a value that cannot be used. */
export function settingInvalid(name: string, problem: string): AppError {
  return new AppError({
    code: 'CLI.SETTING_INVALID',
    kind: 'invalid',
    message: `the environment variable ${name} is not accepted: ${problem}`,
  });
}

/** Neither the environment nor the home says where a cluster is. */
export function endpointUnknown(path: string): AppError {
  return new AppError({
    code: 'CLI.ENDPOINT_UNKNOWN',
    kind: 'precondition',
    message:
      `no cluster is known: ${path} does not exist. Start one with \`millrace up\`, ` +
      'or set MILLRACE_ENDPOINT (http://host:port) and MILLRACE_TOKEN',
  });
}
