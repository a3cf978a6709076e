import { assert } from '@millrace/core';
import type { GeneratePlan } from '@millrace/contracts';
import { buildStagePrograms, type ModelConfig, POSITION_EMBEDDING, type StagePrograms } from '@millrace/model';
import type { Backend, BoundProgram, DeviceTensor, HostArray } from '@millrace/runtime';
import { weightMissing } from '../stage/stage.errors';
import type { WeightSource } from '../stage/stage-ports';

/** One stage's forward pass over a single sequence. */
export class GenerationStage {
  private constructor(
    private readonly backend: Backend,
    private readonly programs: StagePrograms,
    private readonly tensors: ReadonlyMap<string, DeviceTensor>,
    private readonly program: BoundProgram,
    /** T: tokens of the window. */
    readonly context: number,
    private readonly output: DeviceTensor,
  ) {}

  /** Errors: STAGE.WEIGHT_MISSING, and those of `weights`. */
  static async open(plan: GeneratePlan, backend: Backend, weights: WeightSource): Promise<GenerationStage> {
    // A window no longer than the text saves work; causal attention makes what follows a position irrelevant to it.
    const context = Math.min(plan.model.context, plan.promptTokens.length + plan.maxTokens);
    const config: ModelConfig = { ...plan.model, context };
    const programs = buildStagePrograms(config, plan.stages[plan.rank]!, 1);
    const program = programs.logits ?? programs.evaluate;
    const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
    for (const { name, shape } of programs.parameters) {
      const tensor = tensors.get(name);
      if (tensor === undefined) continue;
      const data = await weights.read(name, 'weight');
      if (data === undefined) throw weightMissing(name, 'weight');
      const count = shape.reduce((product, size) => product * size, 1);
      backend.write(tensor, name === POSITION_EMBEDDING ? data.subarray(0, count) : data);
    }
    const output = program.tensors.find(({ role }) => role === 'output');
    assert(output !== undefined, `program ${program.name} has no output`);
    return new GenerationStage(backend, programs, tensors, await backend.bind(program, tensors), context, tensors.get(output.name)!);
  }

  get outputShape(): readonly number[] {
    return this.output.declaration.shape;
  }

  /** The window padded with zeros, or the activations of the stage before; gives activations or logits_TV. */
  async forward(input: HostArray): Promise<HostArray> {
    const { name } = this.programs.input;
    this.backend.write(this.tensors.get(name)!, input);
    this.backend.run(this.program);
    return this.backend.read(this.output);
  }
}
