import { Inject, Injectable } from '@nestjs/common';
import type { agentV1, GeneratePlan } from '@millrace/contracts';
import { type AppError, type Clock, GENERATION_FENCE } from '@millrace/core';
import { CLOCK } from '../../ground/config/api-logger';
import { makeGangCredentials, type RankCredential } from '../../ground/tls/gang-credentials';
import { SessionRegistry } from '../sessions/session-registry';
import { withTensorsOf } from '../blocks/own-tensors';
import { generationFailed, generationTimedOut } from './generate.errors';

interface Task {
  readonly agents: ReadonlySet<string>;
  /** The agent of the last rank, which alone samples tokens. */
  readonly sampler: string | undefined;
  readonly tokensMax: number;
  readonly resolve: (tokens: readonly number[]) => void;
  readonly reject: (error: AppError) => void;
}

/** Generations that this replica has handed out and waits for. */
@Injectable()
export class GenerationTasks {
  private readonly tasks = new Map<string, Task>();

  constructor(
    private readonly registry: SessionRegistry,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    registry.whenEnded((agentId) => this.sessionEnded(agentId));
  }

  /** Sends every rank its plan; resolves with the generated tokens when the last rank says that it is done. */
  async run(plan: Omit<GeneratePlan, 'rank'>, timeoutMs: number): Promise<readonly number[]> {
    const { taskId, peers, maxTokens: tokensMax } = plan;
    const sampler = peers.find(({ rank }) => rank === peers.length - 1)?.agentId;
    const gang = { runId: taskId, fence: GENERATION_FENCE, peers };
    const credentials = await makeGangCredentials(gang, this.clock.now());
    const cancelTimer = this.clock.after(timeoutMs, () => this.fail(taskId, generationTimedOut(timeoutMs)));
    try {
      return await new Promise((resolve, reject) => {
        const agents = new Set(peers.map(({ agentId }) => agentId));
        this.tasks.set(taskId, { agents, sampler, tokensMax, resolve, reject });
        for (const { agentId, rank } of peers) this.give(agentId, planOf(rank, plan), credentials[rank]);
      });
    } finally {
      cancelTimer();
    }
  }

  /** Ends the wait with an error, unless it is over. */
  fail(taskId: string, error: AppError): void {
    this.tasks.get(taskId)?.reject(error);
    this.tasks.delete(taskId);
  }

  /** Any rank may say that it failed; what was generated is believed of the last rank alone. */
  output(agentId: string, { taskId, tokens, done, errorMessage }: agentV1.GenerateOutput): void {
    const task = this.tasks.get(taskId);
    if (!task?.agents.has(agentId)) return;
    if (errorMessage !== '') return this.fail(taskId, generationFailed(agentId, errorMessage));
    if (!done || agentId !== task.sampler) return;
    const { tokensMax } = task;
    if (tokens.length > tokensMax)
      return this.fail(taskId, generationFailed(agentId, `it made ${tokens.length} tokens of at most ${tokensMax}`));
    this.tasks.delete(taskId);
    task.resolve(tokens);
  }

  /** The agent got its part in the session that has ended: its process may be gone. */
  private sessionEnded(agentId: string): void {
    for (const [taskId, { agents }] of this.tasks) {
      if (agents.has(agentId)) this.fail(taskId, generationFailed(agentId, 'its session has ended'));
    }
  }

  private give(agentId: string, plan: GeneratePlan, dataCredential: RankCredential | undefined): void {
    const { taskId } = plan;
    const session = this.registry.get(agentId);
    if (!session) return this.fail(taskId, generationFailed(agentId, 'its session has ended'));
    const value = { commandId: `generate:${taskId}`, taskId, planJson: JSON.stringify(plan), dataCredential };
    const refusal = session.send({ $case: 'generate', value });
    if (refusal) this.fail(taskId, generationFailed(agentId, refusal.message));
  }

  /** The id of a generation's command is `generate:TASK`. */
  commandAnswered(agentId: string, { commandId, ok, errorMessage }: agentV1.CommandResult): void {
    const taskId = commandId.replace(/^generate:/, '');
    if (!ok && this.tasks.get(taskId)?.agents.has(agentId)) this.fail(taskId, generationFailed(agentId, errorMessage));
  }
}

function planOf(rank: number, plan: Omit<GeneratePlan, 'rank'>): GeneratePlan {
  const { manifest, model, stages } = plan;
  return { ...plan, rank, manifest: withTensorsOf(manifest, model, stages.slice(rank, rank + 1)) };
}
