import { assert } from '@millrace/core';
import type { TensorDeclaration, TensorRole } from '@millrace/kernels';
import {
  buildOptimizerPrograms,
  buildStagePrograms,
  EVALUATION_RING,
  type OptimizerPrograms,
  stageMemoryBytes,
  type StagePrograms,
  updatedTensors,
} from '@millrace/model';
import type { Backend, BoundProgram, DeviceTensor } from '@millrace/runtime';
import type { ChunkPlan, StagePlan } from './stage-plan';

/** What a micro-batch in flight owns, and the programs bound to it. */
export interface Slot {
  readonly tensors: ReadonlyMap<string, DeviceTensor>;
  readonly backwardInput: BoundProgram;
  readonly backwardWeight: BoundProgram;
}

/** Tensors that the attempt has one of; all others belong to micro-batches. */
const ATTEMPT_ROLES: ReadonlySet<TensorRole> = new Set(['parameter', 'gradient', 'moment', 'scratch', 'scalar']);

/**
 * All device memory of a chunk and its bound programs, made before the first step. There are two rings: one of what a
 * micro-batch keeps from F to W, one of what it keeps from I to W, which is shorter where W follows I. Micro-batch j
 * owns entry j mod length of each; the plan makes them so long that the entry is free again when its next one comes.
 */
export class ChunkMemory {
  private readonly attemptTensors = new Map<string, DeviceTensor>();
  private slots: Slot[] = [];
  private forwards: BoundProgram[] = [];
  private evaluates: BoundProgram[] = [];
  private evaluationTensors = new Map<string, DeviceTensor>();
  private lossTensors: DeviceTensor[] = [];
  private evaluationLosses: DeviceTensor[] = [];
  /** What an update changes, and where an optimistic one keeps how it was. */
  private undo: { readonly live: DeviceTensor; readonly copy: DeviceTensor }[] = [];
  private bound = new Map<string, BoundProgram>();
  /** Rooms for older versions of the weights, by parameter; none where the schedule flushes. */
  readonly stash: ReadonlyMap<string, DeviceTensor>[] = [];

  private constructor(
    readonly backend: Backend,
    readonly programs: StagePrograms,
    readonly optimizer: OptimizerPrograms,
    readonly chunk: ChunkPlan,
    private readonly plan: StagePlan,
  ) {}

  static async open(backend: Backend, chunk: ChunkPlan, plan: StagePlan): Promise<ChunkMemory> {
    const programs = buildStagePrograms(plan.config, chunk.slice, plan);
    const optimizer = buildOptimizerPrograms(plan.config, chunk.slice, plan.optimizer);
    const memory = new ChunkMemory(backend, programs, optimizer, chunk, plan);
    memory.allocateAttempt();
    memory.allocateUndo();
    await memory.bindOptimizer();
    await memory.bindSlots();
    await memory.bindEvaluation();
    return memory;
  }

  /** What the plan comes to in f32; the twins hold doubles. */
  predictedBytes(): number {
    const { config, microBatchCount, evalMicroBatchCount, weightVersionCount } = this.plan;
    const { slice, slotCount, backwardSlotCount } = this.chunk;
    return stageMemoryBytes(config, slice, {
      ...this.plan,
      inFlight: slotCount,
      inBackward: backwardSlotCount,
      microBatches: microBatchCount,
      evaluation: evalMicroBatchCount > 0,
      weightVersions: weightVersionCount,
    }).total;
  }

  /** Copies weights and optimizer state as they are now; only in an attempt that steps optimistically. */
  saveUndo(): void {
    for (const { live, copy } of this.undo) this.backend.copy(live, copy);
  }

  /** Weights and optimizer state as they were at the last `saveUndo`. */
  restoreUndo(): void {
    for (const { live, copy } of this.undo) this.backend.copy(copy, live);
  }

  /** A tensor that the attempt has one of. */
  tensor(name: string): DeviceTensor {
    const tensor = this.attemptTensors.get(name);
    assert(tensor !== undefined, `stage ${this.chunk.stage} has no tensor ${name}`);
    return tensor;
  }

  slot(microBatch: number): Slot {
    return this.slots[this.slotIndex(microBatch)]!;
  }

  slotIndex(microBatch: number): number {
    return microBatch % this.slots.length;
  }

  /**
   * Bound to the micro-batch's slot, and at the head to a loss tensor of its own, so that losses are read once a step.
   */
  forward(microBatch: number): BoundProgram {
    const { forwards } = this;
    return forwards[microBatch % forwards.length]!;
  }

  /** Loss rows of each micro-batch, ascending. */
  get losses(): readonly DeviceTensor[] {
    return this.lossTensors;
  }

  evaluate(index: number): {
    program: BoundProgram;
    tensors: ReadonlyMap<string, DeviceTensor>;
    loss: DeviceTensor | undefined;
  } {
    const program = this.evaluates[index % this.evaluates.length]!;
    return { program, tensors: this.evaluationTensors, loss: this.evaluationLosses[index % EVALUATION_RING] };
  }

  program(name: 'clear-gradients' | 'squares' | 'update' | 'combine-tied'): BoundProgram {
    const program = this.bound.get(name);
    assert(program !== undefined, `stage ${this.chunk.stage} has no program ${name}`);
    return program;
  }

  /** The tensor of this name that a micro-batch owns. */
  slotTensor(microBatch: number, declaration: TensorDeclaration | undefined): DeviceTensor {
    const tensor = this.slot(microBatch).tensors.get(declaration?.name ?? '');
    assert(tensor !== undefined, `stage ${this.chunk.stage} has no tensor ${declaration?.name} of a micro-batch`);
    return tensor;
  }

  private allocateAttempt(): void {
    const ofStage = this.programs.tensors().filter(({ role }) => ATTEMPT_ROLES.has(role));
    for (const declaration of [...ofStage, ...this.optimizer.tensors()]) {
      if (!this.attemptTensors.has(declaration.name))
        this.attemptTensors.set(declaration.name, this.backend.allocate(declaration));
    }
    const parameters = ofStage.filter(({ role }) => role === 'parameter');
    for (let room = 1; room < this.plan.weightVersionCount; room++) this.stash.push(this.allocate(parameters));
  }

  private allocateUndo(): void {
    if (!this.plan.optimisticStep) return;
    this.undo = updatedTensors(this.optimizer).map((declaration) => ({
      live: this.tensor(declaration.name),
      copy: this.backend.allocate({ ...declaration, name: `${declaration.name}.undo` }),
    }));
  }

  private async bindOptimizer(): Promise<void> {
    const { squares, update, tied } = this.optimizer;
    for (const program of [
      this.programs.clearGradients,
      squares,
      update,
      ...(tied === undefined ? [] : [tied.combine]),
    ]) {
      this.bound.set(program.name, await this.backend.bind(program, this.attemptTensors));
    }
  }

  private async bindSlots(): Promise<void> {
    const { programs, backend, plan, chunk } = this;
    const kept = this.ring(chunk.slotCount, programs.kept);
    const deferred = this.ring(chunk.backwardSlotCount, programs.deferred);
    const pairs = leastCommonMultiple(kept.length, deferred.length);
    // Without a flush micro-batches go on for ever, so every pair comes.
    const count = plan.updates.mode === 'flush' ? Math.min(pairs, plan.microBatchCount) : pairs;
    for (let index = 0; index < count; index++) {
      const tensors = new Map([
        ...this.attemptTensors,
        ...kept[index % kept.length]!,
        ...deferred[index % deferred.length]!,
      ]);
      const backwardInput = await backend.bind(programs.backwardInput, tensors);
      const backwardWeight = await backend.bind(programs.backwardWeight, tensors);
      this.slots.push({ tensors, backwardInput, backwardWeight });
    }
    const forwardCount = programs.loss === undefined ? chunk.slotCount : plan.microBatchCount;
    for (let microBatch = 0; microBatch < forwardCount; microBatch++) {
      const tensors = new Map(this.slot(microBatch).tensors);
      if (programs.loss !== undefined) {
        const tensor = backend.allocate(programs.loss);
        this.lossTensors.push(tensor);
        tensors.set(programs.loss.name, tensor);
      }
      this.forwards.push(await backend.bind(programs.forward, tensors));
    }
  }

  private async bindEvaluation(): Promise<void> {
    const { programs, backend, plan } = this;
    if (plan.evalMicroBatchCount === 0) return;
    const own = programs.evaluate.tensors.filter(({ role }) => !ATTEMPT_ROLES.has(role));
    this.evaluationTensors = new Map([...this.attemptTensors, ...this.allocate(own)]);
    if (programs.loss === undefined) {
      this.evaluates.push(await backend.bind(programs.evaluate, this.evaluationTensors));
      return;
    }
    for (let index = 0; index < EVALUATION_RING; index++) {
      const loss = backend.allocate(programs.loss);
      this.evaluationLosses.push(loss);
      const tensors = new Map(this.evaluationTensors).set(programs.loss.name, loss);
      this.evaluates.push(await backend.bind(programs.evaluate, tensors));
    }
  }

  private ring(length: number, declarations: readonly TensorDeclaration[]): Map<string, DeviceTensor>[] {
    return Array.from({ length }, () => this.allocate(declarations));
  }

  /** New tensors of these declarations; losses have their own. */
  private allocate(declarations: readonly TensorDeclaration[]): Map<string, DeviceTensor> {
    const loss = this.programs.loss?.name;
    const own = declarations.filter(({ name }) => name !== loss);
    return new Map(own.map((declaration) => [declaration.name, this.backend.allocate(declaration)]));
  }
}

function leastCommonMultiple(a: number, b: number): number {
  let [greater, rest] = [a, b];
  while (rest > 0) [greater, rest] = [rest, greater % rest];
  return (a * b) / greater;
}
