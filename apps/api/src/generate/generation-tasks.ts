import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';
import { generationFailed } from './generate.errors';

interface Task {
  readonly agents: ReadonlySet<string>;
  readonly resolve: (tokens: readonly number[]) => void;
  readonly reject: (error: AppError) => void;
}

/** Generations that this replica waits for. */
@Injectable()
export class GenerationTasks {
  private readonly tasks = new Map<string, Task>();

  /** Resolves to the generated tokens when the last rank says that it is done. */
  wait(taskId: string, agents: readonly string[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => void this.tasks.set(taskId, { agents: new Set(agents), resolve, reject }));
  }

  /** Ends the wait with an error, if it is not over. */
  fail(taskId: string, error: AppError): void {
    this.tasks.get(taskId)?.reject(error);
    this.tasks.delete(taskId);
  }

  output(agentId: string, { taskId, tokens, done, errorMessage }: agentV1.GenerateOutput): void {
    const task = this.tasks.get(taskId);
    if (!task?.agents.has(agentId)) return;
    if (errorMessage !== '') return this.fail(taskId, generationFailed(agentId, errorMessage));
    if (!done) return;
    this.tasks.delete(taskId);
    task.resolve(tokens);
  }

  /** A command's id is `generate:TASK`. */
  commandAnswered(agentId: string, { commandId, ok, errorMessage }: agentV1.CommandResult): void {
    const taskId = commandId.replace(/^generate:/, '');
    if (!ok && this.tasks.get(taskId)?.agents.has(agentId)) this.fail(taskId, generationFailed(agentId, errorMessage));
  }
}
