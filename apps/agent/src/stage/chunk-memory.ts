import { assert } from '@millrace/core';
import type { TensorDeclaration, TensorRole } from '@millrace/kernels';
import {
  buildOptimizerPrograms,
  buildStagePrograms,
  EVALUATION_RING,
  type OptimizerPrograms,
  type StageMemoryBytes,
  stageMemoryBytes,
  type StagePrograms,
  updatedTensors,
} from '@millrace/model';
import { allocatePacks, type Backend, type BoundProgram, type DeviceTensor, type RecordedRun } from '@millrace/runtime';
import type { ChunkPlan, StagePlan } from './stage-plan';

/** What belongs to one micro-batch in flight, and the programs that are bound to it. */
export interface Slot {
  readonly tensors: ReadonlyMap<string, DeviceTensor>;
  readonly backwardInput: BoundProgram;
  readonly backwardWeight: BoundProgram;
}

/** Tensors with these roles exist once per attempt; all others exist once per micro-batch in flight. */
const ATTEMPT_ROLES: ReadonlySet<TensorRole> = new Set([
  'parameter',
  'gradient',
  'moment',
  'scratch',
  'scalar',
  'copy',
  'constant',
]);

/**
 * All device memory of a chunk and its bound programs, made before the first step. There are two rings of slots: one
 * for what a micro-batch keeps from F to W, one for what it keeps from I to W, which is shorter where W soon follows I.
 * Micro-batch j owns entry j mod length of each; the plan makes the rings so long that an entry is free again when the
 * next micro-batch needs it.
 */
export class ChunkMemory {
  private readonly attemptTensors: Map<string, DeviceTensor>;
  private slots: Slot[] = [];
  private forwards: BoundProgram[] = [];
  private evaluates: BoundProgram[] = [];
  private evaluationTensors = new Map<string, DeviceTensor>();
  private lossTensors: DeviceTensor[] = [];
  private evaluationLosses: DeviceTensor[] = [];
  /** Each tensor that an update changes, with the copy of its old content that an optimistic update can go back to. */
  private undo: { readonly live: DeviceTensor; readonly copy: DeviceTensor }[] = [];
  private bound = new Map<string, BoundProgram>();
  /** Device memory for older versions of the weights, by parameter; empty where the schedule flushes. */
  readonly stash: ReadonlyMap<string, DeviceTensor>[] = [];

  private constructor(
    readonly backend: Backend,
    readonly programs: StagePrograms,
    readonly optimizer: OptimizerPrograms,
    readonly chunk: ChunkPlan,
    private readonly plan: StagePlan,
  ) {
    this.attemptTensors = allocatePacks(backend, optimizer.packs);
  }

  static async open(backend: Backend, chunk: ChunkPlan, plan: StagePlan): Promise<ChunkMemory> {
    const programs = buildStagePrograms(plan.config, chunk.slice, { ...plan, ...chunk });
    const optimizer = buildOptimizerPrograms(plan.config, chunk.slice, plan);
    const memory = new ChunkMemory(backend, programs, optimizer, chunk, plan);
    memory.allocateAttempt();
    memory.allocateUndo();
    await memory.bindOptimizer();
    await memory.bindSlots();
    await memory.bindEvaluation();
    return memory;
  }

  /** What the plan needs in f32. The CPU twins hold doubles and need more. */
  predicted(): StageMemoryBytes {
    const { config, microBatchCount, evalMicroBatchCount, weightVersionCount } = this.plan;
    const { slice, slotCount, backwardSlotCount } = this.chunk;
    return stageMemoryBytes(config, slice, {
      ...this.plan,
      ...this.chunk,
      inFlight: slotCount,
      inBackward: backwardSlotCount,
      microBatches: microBatchCount,
      evaluation: evalMicroBatchCount > 0,
      weightVersions: weightVersionCount,
    });
  }

  /** Copies weights and optimizer state as they are now. Only an attempt that updates optimistically needs it. */
  saveUndo(): void {
    for (const { live, copy } of this.undo) this.backend.copy(live, copy);
  }

  /** Puts weights and optimizer state back to what they were at the last `saveUndo`. */
  restoreUndo(): void {
    for (const { live, copy } of this.undo) this.backend.copy(copy, live);
    this.copyWeights();
  }

  /** Makes the copies of weights in f16, which programs read in that precision, from the weights as they are now. */
  copyWeights(): void {
    const program = this.bound.get('copy-weights');
    if (program !== undefined) this.backend.run(program);
  }

  /** A tensor that exists once in the attempt. */
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
   * The forward program, bound to the micro-batch's slot. At the head each micro-batch also has a loss tensor of its
   * own, so that the host reads all losses once a step.
   */
  forward(microBatch: number): BoundProgram {
    const { forwards } = this;
    return forwards[microBatch % forwards.length]!;
  }

  /** The loss rows of each micro-batch, in ascending order. */
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

  /** Records the update, which reads what is in `hyper` when it is enqueued. */
  recordUpdate(): RecordedRun {
    return this.backend.record(this.program('update'));
  }

  /** The tensor of this name in the micro-batch's slot. */
  slotTensor(microBatch: number, declaration: TensorDeclaration | undefined): DeviceTensor {
    const tensor = this.slot(microBatch).tensors.get(declaration?.name ?? '');
    assert(tensor !== undefined, `stage ${this.chunk.stage} has no tensor ${declaration?.name} of a micro-batch`);
    return tensor;
  }

  private allocateAttempt(): void {
    const { programs, plan } = this;
    const all = plan.evalMicroBatchCount > 0 ? programs.tensors() : programs.trainingTensors();
    const ofStage = all.filter(({ role }) => ATTEMPT_ROLES.has(role));
    for (const declaration of [...ofStage, ...this.optimizer.tensors()]) {
      if (!this.attemptTensors.has(declaration.name))
        this.attemptTensors.set(declaration.name, this.backend.allocate(declaration));
    }
    const parameters = ofStage.filter(({ role }) => role === 'parameter');
    for (let room = 1; room < plan.weightVersionCount; room++) this.stash.push(this.allocate(parameters));
  }

  private allocateUndo(): void {
    if (!this.plan.optimisticStep) return;
    this.undo = updatedTensors(this.optimizer).map((declaration) => ({
      live: this.tensor(declaration.name),
      copy: this.backend.allocate({ ...declaration, name: `${declaration.name}.undo` }),
    }));
  }

  private async bindOptimizer(): Promise<void> {
    const { squares, update, copyWeights, tied } = this.optimizer;
    for (const program of [
      this.programs.clearGradients,
      squares,
      update,
      ...(copyWeights === undefined ? [] : [copyWeights]),
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
    // Without a flush micro-batches never end, so that every pair of slots is used some time.
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

  /** Makes tensors for these declarations. Losses are left out: they are made one per micro-batch. */
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
