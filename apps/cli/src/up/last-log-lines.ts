import { closeSync, openSync, readSync, statSync } from 'node:fs';

const LINES_MAX = 5;
const LINE_LENGTH_MAX = 400;
const BYTES_MAX = 16 * 1024;

/** The last lines of a log from byte `start` on, for people: of a line that is a JSON document only the message. */
export function lastLogLines(path: string, start: number): string[] {
  return endOf(path, start)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LINES_MAX)
    .map((line) => `  ${textOf(line).slice(0, LINE_LENGTH_MAX)}`);
}

function endOf(path: string, start: number): string {
  try {
    const { size } = statSync(path);
    // A log that is shorter than its earlier length was started again.
    const from = Math.max(start > size ? 0 : start, size - BYTES_MAX);
    const bytes = Buffer.alloc(Math.max(size - from, 0));
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)).toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    // If the log cannot be read, there is nothing to add to the report.
    return '';
  }
}

function textOf(line: string): string {
  try {
    const { msg, reason } = JSON.parse(line) as { msg?: unknown; reason?: unknown };
    if (typeof msg !== 'string') return line;
    return typeof reason === 'string' ? `${msg}: ${reason}` : msg;
  } catch {
    return line;
  }
}
