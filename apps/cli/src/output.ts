/** Where a command writes: people read `line`, programs read the one `document` of `--json`. */
export class Output {
  constructor(
    readonly json: boolean,
    private readonly stdout: NodeJS.WritableStream = process.stdout,
    private readonly stderr: NodeJS.WritableStream = process.stderr,
  ) {}

  /** The command's result: the only thing on stdout under `--json`, and otherwise what `render` makes of it. */
  result<T>(document: T, render: (document: T) => string): void {
    const text = this.json ? JSON.stringify(document, null, 2) : render(document);
    this.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Text for people: stdout, or stderr under `--json`. */
  line(text: string): void {
    (this.json ? this.stderr : this.stdout).write(`${text}\n`);
  }

  /** Progress and warnings, always on stderr. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }
}
