import { readFileSync } from 'node:fs';

/**
 * Whether `pid` is a live `millrace up` or quickstart. Pids are used again, so that the command line is compared too.
 */
export function isUpProcess(pid: number): boolean {
  try {
    return isUpCommandLine(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

/** `commandLine` has the arguments as /proc gives them, each ended by NUL. */
export function isUpCommandLine(commandLine: string): boolean {
  return commandLine.split('\0').some((argument, index) => index > 0 && /^up$|(^|\/)quickstart\.js$/.test(argument));
}
