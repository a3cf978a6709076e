import { addLossRows, countTargets, EVALUATION_RING } from '@millrace/model';
import type { TensorDeclaration } from '@millrace/kernels';
import type { DeviceTensor, HostArray } from '@millrace/runtime';
import type { ChunkMemory } from './chunk-memory';
import type { StageMemory } from './stage-memory';
import type { StepWatchdog } from './failure/step-watchdog';
import { placeOf, type StagePlan } from './stage-plan';
import type { DataSource } from './stage-ports';
import type { TensorExchange } from './exchange/tensor-exchange';
import type { WorkTimeline } from './work-timeline';

export interface EvaluationOptions {
  readonly plan: StagePlan;
  readonly memory: StageMemory;
  readonly exchange: TensorExchange;
  readonly timeline: WorkTimeline;
  readonly data: DataSource | undefined;
  readonly watchdog: Pick<StepWatchdog, 'evaluated'>;
}

/**
 * So many sends of an evaluation may be on their way. The schedule bounds a step's sends, but not those of an
 * evaluation.
 */
const WAITING_SENDS_MAX = 4;

/** Computes the validation loss: the same sequences pass all stages every time, each once and forward only. */
export class Evaluation {
  private sum = 0;
  private unread: DeviceTensor[] = [];
  /** Outputs that one stage of this rank hands to the next stage, if this rank holds that too; at most one per rank. */
  private readonly outputsForNextChunk = new Map<string, Promise<HostArray>>();

  /** Targets counted since the evaluation began. */
  private tokens = 0;

  constructor(private readonly options: EvaluationOptions) {}

  isDue(step: number): boolean {
    const { evalMicroBatchCount, evalEvery, lastStep } = this.options.plan;
    return evalMicroBatchCount > 0 && (step === lastStep || (evalEvery > 0 && step % evalEvery === 0));
  }

  /**
   * Evaluates with the weights after `step`. Returns the mean loss over all counted targets at the head, and undefined
   * on the other ranks.
   */
  async run(step: number): Promise<number | undefined> {
    const { plan, memory } = this.options;
    this.sum = 0;
    this.tokens = 0;
    this.unread = [];
    const count = plan.evalMicroBatchCount;
    // A group of as many micro-batches as there are ranks passes a chunk before the next chunk runs, so that all ranks
    // work.
    for (let first = 0; first < count; first += plan.ranks) {
      for (const chunk of memory.chunks) {
        for (let index = first; index < Math.min(first + plan.ranks, count); index++) {
          await this.forward(step, index, chunk);
        }
      }
    }
    await this.readLosses();
    await this.options.exchange.sends.settled();
    return memory.head === undefined ? undefined : this.sum / this.tokens;
  }

  private async forward(step: number, index: number, chunk: ChunkMemory): Promise<void> {
    const { timeline } = this.options;
    const { programs, backend } = chunk;
    const { program, loss } = chunk.evaluate(index);
    await this.enter(step, index, chunk);
    backend.run(program);
    timeline.enqueue(`${chunk.chunk.stage}E`, `${chunk.chunk.stage}E${index}`, 'evaluation');
    backend.flush();
    if (programs.output !== undefined) await this.leave(step, index, { chunk, output: programs.output });
    this.options.watchdog.evaluated();
    if (loss !== undefined) this.unread.push(loss);
    if (this.unread.length === EVALUATION_RING) await this.readLosses();
  }

  /** Writes what the chunk reads: tokens, targets and the output of the stage before. */
  private async enter(step: number, index: number, chunk: ChunkMemory): Promise<void> {
    const { plan, exchange, data } = this.options;
    const { tokens, targets, input } = chunk.programs;
    const { tensors } = chunk.evaluate(index);
    if (tokens === undefined) {
      const { stage } = chunk.chunk;
      const output = this.outputsForNextChunk.get(`${stage}E${index}`);
      const from = placeOf(plan, stage - 1);
      const address = { edge: 'evaluation', step, microBatch: index, chunk: from.chunk } as const;
      const target = tensors.get(input.name)!;
      if (output === undefined) await exchange.take(exchange.ask(from.rank, address), `${stage}E${index}`, target);
      else chunk.backend.write(target, await output);
      this.outputsForNextChunk.delete(`${stage}E${index}`);
    }
    if (data === undefined || (tokens ?? targets) === undefined) return;
    const batch = data.validation(index);
    if (tokens !== undefined) chunk.backend.write(tensors.get(tokens.name)!, batch.inputs);
    if (targets === undefined) return;
    chunk.backend.write(tensors.get(targets.name)!, batch.targets);
    this.tokens += countTargets(batch.targets);
  }

  /**
   * Hands the output to the next stage, which is on another rank or on this one; on this one it passes through the
   * host.
   */
  private async leave(
    step: number,
    index: number,
    { chunk, output }: { chunk: ChunkMemory; output: TensorDeclaration },
  ): Promise<void> {
    const { plan, exchange } = this.options;
    const { stage } = chunk.chunk;
    const tensor = chunk.evaluate(index).tensors.get(output.name)!;
    const to = placeOf(plan, stage + 1);
    if (to.rank === plan.rank) {
      await exchange.roomToRead();
      const read = exchange.read(tensor);
      read.catch(() => undefined);
      this.outputsForNextChunk.set(`${stage + 1}E${index}`, read);
      return;
    }
    const address = { edge: 'evaluation', step, microBatch: index, chunk: placeOf(plan, stage).chunk } as const;
    await exchange.send(to.rank, tensor, address);
    if (exchange.sends.count >= WAITING_SENDS_MAX) await exchange.sends.settled();
  }

  private async readLosses(): Promise<void> {
    const { memory, timeline } = this.options;
    if (this.unread.length === 0) return;
    const done = timeline.mark();
    const losses = await memory.backend.readAll(this.unread, timeline.delayMs());
    done();
    this.sum = losses.reduce((total, rows) => addLossRows(total, rows), this.sum);
    this.unread = [];
  }
}
