import { AppError } from '@millrace/core';

/** A file named on the command line cannot be read. */
export function fileUnreadable(path: string, cause: unknown): AppError {
  return new AppError({
    code: 'CLI.FILE_UNREADABLE',
    kind: 'invalid',
    message: `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });
}

export function fileNotWritten(path: string, cause: unknown): AppError {
  return new AppError({
    code: 'CLI.FILE_NOT_WRITTEN',
    kind: 'precondition',
    message: `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });
}

export function optionMissing(option: string): AppError {
  const message = `${option} is required for this schedule: give it on the command line`;
  return new AppError({ code: 'CLI.OPTION_MISSING', kind: 'invalid', message });
}

/** The ending of a file's name does not tell its format. */
export function fileEndingUnknown(path: string, endings: readonly string[]): AppError {
  const message = `the ending of ${path} does not tell its format: rename it to one of ${endings.join(', ')}`;
  return new AppError({ code: 'CLI.FILE_ENDING_UNKNOWN', kind: 'invalid', message });
}

/** What is wanted must be named in exactly one of two ways. */
export function fileOrExample(examples: readonly string[]): AppError {
  const message = `give either a file or --example with one of ${examples.join(', ')}`;
  return new AppError({ code: 'CLI.FILE_OR_EXAMPLE', kind: 'invalid', message });
}

export function metricUnknown(name: string, metrics: readonly string[]): AppError {
  const message = `there is no metric ${name}; it is one of ${metrics.join(', ')}`;
  return new AppError({ code: 'CLI.METRIC_UNKNOWN', kind: 'invalid', message });
}

export function datasetUnknown(name: string): AppError {
  const message = `there is no dataset ${name}, neither by id nor by name; \`millrace datasets\` lists them`;
  return new AppError({ code: 'CLI.DATASET_UNKNOWN', kind: 'not_found', message });
}

/** A program of this build is missing. */
export function programMissing(path: string): AppError {
  return new AppError({
    code: 'CLI.PROGRAM_MISSING',
    kind: 'precondition',
    message: `${path} is missing; build it with \`npm run setup\``,
  });
}

/** `millrace agent` ended although nobody asked it to. */
export function agentEnded(how: number | string, lastWords: readonly string[]): AppError {
  const exit = typeof how === 'number' ? `with exit code ${how}` : `by ${how}`;
  const said =
    lastWords.length === 0 ? 'It said nothing' : `It said last:\n${lastWords.map((each) => `  ${each}`).join('\n')}`;
  return new AppError({ code: 'CLI.AGENT_ENDED', kind: 'unavailable', message: `the agent ended ${exit}. ${said}` });
}
