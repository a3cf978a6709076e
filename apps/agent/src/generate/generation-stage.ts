import { assert, type Clock, type ModelConfig } from '@millrace/core';
import type { GeneratePlan } from '@millrace/contracts';
import type { TensorDeclaration } from '@millrace/kernels';
import { buildStagePrograms } from '@millrace/model';
import type { Backend, BoundProgram, DeviceTensor, HostArray } from '@millrace/runtime';
import { weightMissing } from '../stage/stage.errors';
import type { WeightSource } from '../stage/stage-ports';
import { WorkTimeline } from '../stage/work-timeline';

export interface GenerationStageOptions {
  readonly backend: Backend;
  readonly weights: WeightSource;
  readonly clock: Clock;
}

/** One stage's forward pass over a single sequence. */
export class GenerationStage {
  private constructor(
    private readonly backend: Backend,
    private readonly input: DeviceTensor,
    private readonly output: DeviceTensor,
    private readonly program: BoundProgram,
    /** T, the number of tokens in the window. */
    readonly context: number,
    private readonly timeline: WorkTimeline,
  ) {}

  /** Throws STAGE.WEIGHT_MISSING and the errors of `weights`. */
  static async open(plan: GeneratePlan, { backend, weights, clock }: GenerationStageOptions): Promise<GenerationStage> {
    const context = windowLength(plan);
    const config: ModelConfig = { ...plan.model, context };
    const programs = buildStagePrograms(config, plan.stages[plan.rank]!, { microBatch: 1 });
    const program = programs.logits ?? programs.evaluate;
    const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
    for (const { name, shape, rowPerPosition } of programs.parameters) {
      const tensor = tensors.get(name);
      if (tensor === undefined) continue;
      const data = await weights.read(name, 'weight');
      if (data === undefined) throw weightMissing(name, 'weight');
      const count = shape.reduce((product, size) => product * size, 1);
      backend.write(tensor, rowPerPosition ? data.subarray(0, count) : data);
    }
    const output = program.tensors.find(({ role }) => role === 'output');
    assert(output !== undefined, `program ${program.name} has no output`);
    const bound = await backend.bind(program, tensors);
    const input = tensors.get(programs.input.name)!;
    return new GenerationStage(backend, input, tensors.get(output.name)!, bound, context, new WorkTimeline(clock));
  }

  get inputDeclaration(): TensorDeclaration {
    return this.input.declaration;
  }

  get outputShape(): readonly number[] {
    return this.output.declaration.shape;
  }

  /** Takes the window padded with zeros, or the activations of the stage before; returns activations or logits_TV. */
  async forward(input: HostArray): Promise<HostArray> {
    this.backend.write(this.input, input);
    this.backend.run(this.program);
    this.timeline.enqueue('forward', 'forward');
    const done = this.timeline.mark();
    const output = await this.backend.read(this.output, this.timeline.delayMs());
    done();
    this.timeline.takeSpans();
    return output;
  }
}

const WINDOW_MIN = 32;

/**
 * A window that is not much longer than the text saves work, and causal attention makes a position independent of what
 * follows it. Only powers of two are used: each new length is a new set of programs that the driver must compile.
 */
function windowLength({ model, promptTokens, maxTokens }: GeneratePlan): number {
  let length = WINDOW_MIN;
  while (length < promptTokens.length + maxTokens) length *= 2;
  return Math.min(model.context, length);
}
