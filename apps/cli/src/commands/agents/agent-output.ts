import { DRIVER_WARNING, RepeatedLines } from '../../driver-warnings';

/** `text` writes sentences for people; `json` passes on one document per line, as the agent writes them. */
export type LogForm = 'text' | 'json';

export interface AgentOutputOptions {
  readonly form: LogForm;
  readonly write: (text: string) => void;
  /** Milliseconds since 1970, for the time of day of lines that do not tell their time. */
  readonly now: () => number;
}

const LAST_LINES_MAX = 5;
const LINE_LENGTH_MAX = 2000;
const BEGINS_AS_WARNING = /^w(a(r(n(i(n(g(:.*)?)?)?)?)?)?)?$/i;
const WARNING = 40;
const ERROR = 50;
/** Fields that are of no use to a person at the terminal. */
const UNTOLD = new Set(['level', 'time', 'pid', 'hostname', 'app', 'msg', 'stack', 'details']);

interface AgentLine {
  readonly level: number;
  readonly time?: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Writes what an agent's process prints to the terminal that it was started from, and keeps its last lines. */
export class AgentOutput {
  private rest = '';
  /** How much of the line that is not whole yet was passed on. */
  private passedLength = 0;
  private readonly warnings = new RepeatedLines();
  private readonly last: { readonly level: number; readonly text: string }[] = [];

  constructor(private readonly options: AgentOutputOptions) {}

  feed(chunk: string): void {
    const lines = `${this.rest}${chunk}`.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const told = DRIVER_WARNING.test(line) ? this.warnings.take(line) : line;
      if (told !== undefined) this.passOn(`${told}\n`);
      if (told !== undefined) this.take(told);
      this.passedLength = 0;
    }
    // What may become a warning is held back until its line is whole.
    if (rest.length > LINE_LENGTH_MAX || !BEGINS_AS_WARNING.test(rest)) {
      this.passOn(rest);
      this.passedLength = Math.min(rest.length, LINE_LENGTH_MAX);
    }
    this.rest = rest.slice(0, LINE_LENGTH_MAX);
  }

  /**
   * The last lines that may tell why a process ended: its warnings, and lines that are not its own documents, such as
   * the last words of a driver.
   */
  lastWords(): string[] {
    if (this.rest !== '') this.take(this.rest);
    this.rest = '';
    const grave = this.last.filter(({ level }) => level >= WARNING);
    return (grave.length > 0 ? grave : this.last.slice(-1)).slice(-LAST_LINES_MAX).map(({ text }) => text);
  }

  /** For programs, what of a line was not passed on before. */
  private passOn(text: string): void {
    if (this.options.form === 'json' && text.length > this.passedLength)
      this.options.write(text.slice(this.passedLength));
  }

  private take(line: string): void {
    if (line.trim() === '') return;
    const said = parseLine(line);
    const text = said === undefined ? line.slice(0, LINE_LENGTH_MAX) : sentence(said);
    this.last.push({ level: said?.level ?? (DRIVER_WARNING.test(line) ? 0 : WARNING), text });
    if (this.last.length > 2 * LAST_LINES_MAX) this.last.shift();
    if (this.options.form === 'text') this.options.write(`${this.timeOf(said?.time)}  ${text}\n`);
  }

  private timeOf(time: number | undefined): string {
    return new Date(time ?? this.options.now()).toTimeString().slice(0, 8);
  }
}

function parseLine(line: string): AgentLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const document = JSON.parse(line) as Record<string, unknown>;
    const { msg, level, agentId, dataAddress } = document;
    if (typeof msg === 'string') return { level: ERROR, ...document, msg };
    // This is the line with which the process announces itself.
    if (typeof agentId !== 'string') return undefined;
    return {
      level: typeof level === 'number' ? level : 0,
      msg: `${agentId} is reached by other agents at ${String(dataAddress)}`,
    };
  } catch {
    return undefined;
  }
}

function sentence({ level, msg, ...fields }: AgentLine): string {
  const told = Object.entries(fields)
    .filter(([name, value]) => !UNTOLD.has(name) && !isNothing(value))
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  const grave = level >= ERROR ? 'error: ' : level >= WARNING ? 'warning: ' : '';
  return `${grave}${msg}${told.length === 0 ? '' : ` (${told.join(', ')})`}`;
}

function isNothing(value: unknown): boolean {
  return value === '' || value === null || (Array.isArray(value) && value.length === 0);
}
