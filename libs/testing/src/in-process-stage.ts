import type { ModelConfig, Precision, Recompute, StageSlice } from '@millrace/core';
import {
  buildOptimizerPrograms,
  buildStagePrograms,
  type Optimizer,
  type OptimizerPrograms,
  squaresByParameter,
  type StagePrograms,
} from '@millrace/model';
import { allocatePacks, type Backend, type BoundProgram, type DeviceTensor, type HostArray } from '@millrace/runtime';

export interface InProcessStageOptions {
  readonly config: ModelConfig;
  readonly slice: StageSlice;
  readonly microBatch: number;
  readonly optimizer: Optimizer;
  readonly packBytesMax?: number;
  readonly recompute?: Recompute;
  readonly precision?: Precision;
  readonly headBytesMax?: number;
  readonly backend: Backend;
}

type StageProgramName = 'forward' | 'backwardInput' | 'backwardWeight' | 'clearGradients' | 'evaluate';
type BoundName = StageProgramName | 'squares' | 'update' | 'copyWeights' | 'combine';

/** One stage with one slot of micro-batch tensors, enough for running one micro-batch after the other. */
export class InProcessStage {
  readonly programs: StagePrograms;
  readonly optimizer: OptimizerPrograms;
  private readonly tensors: Map<string, DeviceTensor>;
  private readonly bound = new Map<BoundName, BoundProgram>();

  constructor(private readonly options: InProcessStageOptions) {
    const { config, slice, backend } = options;
    this.programs = buildStagePrograms(config, slice, options);
    this.optimizer = buildOptimizerPrograms(config, slice, options);
    this.tensors = allocatePacks(backend, this.optimizer.packs);
    for (const declaration of [...this.programs.tensors(), ...this.optimizer.tensors()]) {
      if (!this.tensors.has(declaration.name)) this.tensors.set(declaration.name, backend.allocate(declaration));
    }
  }

  async bind(): Promise<void> {
    const { forward, backwardInput, backwardWeight, clearGradients, evaluate } = this.programs;
    const { squares, update, copyWeights, tied } = this.optimizer;
    const combine = tied?.combine;
    const training = { forward, backwardInput, backwardWeight, clearGradients, evaluate };
    const programs = { ...training, squares, update, copyWeights, combine };
    for (const [name, program] of Object.entries(programs)) {
      if (program === undefined) continue;
      this.bound.set(name as BoundName, await this.options.backend.bind(program, this.tensors));
    }
  }

  run(name: BoundName): void {
    const program = this.bound.get(name);
    if (program !== undefined) this.options.backend.run(program);
  }

  write(name: string, values: HostArray, elementOffset = 0): void {
    this.options.backend.write(this.tensor(name), values, elementOffset);
  }

  read(name: string): Promise<HostArray> {
    return this.options.backend.read(this.tensor(name));
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** The sum of squares of each gradient by parameter name, with one wait. */
  async squares(): Promise<Map<string, number>> {
    const { partialSums } = this.optimizer;
    const read = await this.options.backend.readAll(partialSums.map(({ name }) => this.tensor(name)));
    return squaresByParameter(this.optimizer, read);
  }

  release(): void {
    for (const tensor of this.tensors.values()) this.options.backend.release(tensor);
  }

  private tensor(name: string): DeviceTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`the stage has no tensor ${name}`);
    return tensor;
  }
}
