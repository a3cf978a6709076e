import { readFileSync } from 'node:fs';

/** Whether `pid` is a live `millrace up` or quickstart; pids are used again, so the command line must agree. */
export function isUpProcess(pid: number): boolean {
  try {
    return isUpCommandLine(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

/** `commandLine`: arguments, each ended by NUL, as /proc gives them. */
export function isUpCommandLine(commandLine: string): boolean {
  return commandLine.split('\0').some((argument, index) => index > 0 && /^up$|(^|\/)quickstart\.js$/.test(argument));
}
