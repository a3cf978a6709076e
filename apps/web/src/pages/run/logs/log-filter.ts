import type { LogLineBody } from '@millrace/contracts';

export interface LogSearch {
  readonly text: string;
  /** Empty for the lines of all stages. */
  readonly stage: string;
  readonly level: string;
}

const SEVERITY = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The lines that contain the text, belong to the stage and are at least as severe as the level. */
export function filterLogs(lines: readonly LogLineBody[], { text, stage, level }: LogSearch): LogLineBody[] {
  const wanted = text.toLowerCase();
  const least = SEVERITY.indexOf(level);
  return lines.filter((line) => {
    if (stage !== '' && String(line.stage) !== stage) return false;
    if (least !== -1 && SEVERITY.indexOf(line.level) < least) return false;
    return wanted === '' || line.text.toLowerCase().includes(wanted);
  });
}

/** Splits a line at the searched text, so that every second piece is a match. */
export function splitByMatch(text: string, searched: string): string[] {
  if (searched === '') return [text];
  const pieces: string[] = [];
  const lower = text.toLowerCase();
  const wanted = searched.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, from)) {
    pieces.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...pieces, text.slice(from)];
}
