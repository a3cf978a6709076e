import type { AgentMessageBody, agentV1 } from '@millrace/contracts';
import type { AppError, Logger } from '@millrace/core';

export interface CommandAnswersOptions {
  readonly send: (body: AgentMessageBody) => void;
  /** Called when the promise of a command is settled: its answer may be sent. */
  readonly onDone: (commandId: string) => void;
  readonly logger: Logger;
}

const COMMANDS_REMEMBERED = 1000;

/** Executes each command of the API once. A command that comes again, in a new session, gets the same answer. */
export class CommandAnswers {
  /** The answer to each command; undefined while the command is executed. */
  private readonly results = new Map<string, agentV1.CommandResult | undefined>();
  private isClosed = false;

  constructor(private readonly options: CommandAnswersOptions) {}

  /** `work` returns an error, a promise that must settle before the answer, or nothing. */
  execute(commandId: string, work: () => AppError | Promise<void> | undefined): undefined {
    if (this.results.has(commandId)) {
      const result = this.results.get(commandId);
      if (result !== undefined) this.options.send({ $case: 'commandResult', value: result });
      return;
    }
    if (this.isClosed) return;
    for (const oldest of this.results.keys()) {
      if (this.results.size < COMMANDS_REMEMBERED) break;
      this.results.delete(oldest);
    }
    this.results.set(commandId, undefined);
    const outcome = work();
    if (outcome instanceof Promise) void outcome.finally(() => this.options.onDone(commandId));
    else this.answer(commandId, outcome);
  }

  /**
   * This process is about to end. Commands that come from now on get no answer, so that the API sends them to the next
   * one.
   */
  close(): void {
    this.isClosed = true;
  }

  answer(commandId: string, error?: AppError): undefined {
    const [errorCode, errorMessage] = [error?.code ?? '', error?.message ?? ''];
    if (error !== undefined)
      this.options.logger.warn({ commandId, code: errorCode }, `command refused: ${errorMessage}`);
    const result = { commandId, ok: error === undefined, errorCode, errorMessage };
    this.results.set(commandId, result);
    this.options.send({ $case: 'commandResult', value: result });
  }
}
