import type { StageSlice } from '@millrace/core';
import type { AttemptPlan } from '@millrace/contracts';
import {
  addLossRows,
  buildOptimizerPrograms,
  buildStagePrograms,
  countTargets,
  initialiseParameter,
  learningRate,
  optimizerHyper,
  sequenceWords,
} from '@millrace/model';
import { allocatePacks, type Backend, type DeviceTensor, type HostArray, openCpuBackend } from '@millrace/runtime';
import { dataSource } from '../src/stage/stage-plan';
import { patternTokens } from './attempt-plans';

/** The weight version that micro-batch t uses on stage s. */
export type VersionTable = (t: number, s: number) => number;

export interface Expected {
  /** Of each step. */
  readonly losses: readonly number[];
  /** By parameter, after the last step. */
  readonly weights: ReadonlyMap<string, HostArray>;
}

export interface OracleOptions {
  readonly versionOf: VersionTable;
  /** Initial weights; the plan's own draw when absent. */
  readonly initial?: ReadonlyMap<string, HostArray>;
  readonly data?: ReturnType<typeof dataSource>;
}

/**
 * Asynchronous training written down from its definition: every version of every stage is kept for ever, micro-batch
 * after micro-batch goes forward and backward through all stages with the versions of a table, and each stage updates
 * its newest weights. No pipeline, no ring, no order of actions; the twins compute in doubles.
 */
export async function asynchronousOracle(plan: AttemptPlan, options: OracleOptions): Promise<Expected> {
  const { train } = plan.spec;
  const backend = openCpuBackend();
  const stages = await Promise.all(plan.stages.map((slice) => OracleStage.open(backend, plan, slice, options)));
  const data = options.data ?? dataSource(plan, patternTokens);
  const perStep = train.batch.global / train.batch.micro;
  const losses: number[] = [];
  for (let step = 1; step <= train.steps; step++) {
    const batches = Array.from({ length: perStep }, (_, index) => data.train(step, index));
    const tokens = batches.reduce((sum, { targets }) => sum + countTargets(targets), 0);
    let sum = 0;
    for (const stage of stages) await stage.begin(tokens);
    for (const [index, batch] of batches.entries()) {
      const t = (step - 1) * perStep + index;
      stages.forEach((stage, s) => stage.use(options.versionOf(t, s)));
      for (const stage of stages) stage.drawFor(step, t);
      let carried: HostArray = batch.inputs;
      for (const stage of stages) carried = await stage.forward(carried, batch.targets);
      sum = addLossRows(sum, carried);
      let gradient: HostArray | undefined;
      for (const stage of stages.toReversed()) gradient = await stage.backward(gradient);
    }
    losses.push(sum / tokens);
    for (const stage of stages) await stage.update(step);
  }
  return { losses, weights: new Map(stages.flatMap((stage) => [...stage.newest()])) };
}

class OracleStage {
  private readonly tensors: Map<string, DeviceTensor>;
  private readonly versions: Map<string, HostArray>[] = [];
  private readonly programs;
  private readonly optimizer;

  private constructor(
    private readonly backend: Backend,
    private readonly plan: AttemptPlan,
    slice: StageSlice,
  ) {
    const { batch, optimizer } = plan.spec.train;
    this.programs = buildStagePrograms(plan.model, slice, { microBatch: batch.micro });
    this.optimizer = buildOptimizerPrograms(plan.model, slice, { optimizer });
    this.tensors = allocatePacks(backend, this.optimizer.packs);
    for (const declaration of [...this.programs.tensors(), ...this.optimizer.tensors()])
      if (!this.tensors.has(declaration.name)) this.tensors.set(declaration.name, backend.allocate(declaration));
  }

  static async open(
    backend: Backend,
    plan: AttemptPlan,
    slice: StageSlice,
    { initial }: OracleOptions,
  ): Promise<OracleStage> {
    const stage = new OracleStage(backend, plan, slice);
    const drawn = stage.programs.parameters.map((parameter): [string, HostArray] => [
      parameter.name,
      initial?.get(parameter.name) ?? initialiseParameter(parameter, plan.spec.train.seed),
    ]);
    stage.use(stage.versions.push(new Map(drawn)) - 1);
    stage.versions[0] = await stage.weights();
    return stage;
  }

  newest(): ReadonlyMap<string, HostArray> {
    return this.versions.at(-1)!;
  }

  use(version: number): void {
    for (const [name, data] of this.versions[version]!) this.backend.write(this.tensors.get(name)!, data);
  }

  /** Dropout draws by step and by sample: micro-batch t of the run holds `micro` of them. */
  drawFor(step: number, t: number): void {
    const { sequences } = this.programs;
    const { seed, batch } = this.plan.spec.train;
    if (sequences === undefined) return;
    const words = sequenceWords({ seed, step, firstSample: t * batch.micro, count: batch.micro });
    this.backend.write(this.tensors.get(sequences.name)!, words);
  }

  async begin(tokens: number): Promise<void> {
    const { lossScale, clearGradients } = this.programs;
    if (lossScale !== undefined) this.backend.write(this.tensors.get(lossScale.name)!, Float64Array.of(1 / tokens));
    await this.run(clearGradients);
  }

  async forward(input: HostArray, targets: HostArray): Promise<HostArray> {
    const { programs } = this;
    this.backend.write(this.tensors.get(programs.input.name)!, input);
    if (programs.targets !== undefined) this.backend.write(this.tensors.get(programs.targets.name)!, targets);
    await this.run(programs.forward);
    return this.backend.read(this.tensors.get((programs.loss ?? programs.output)!.name)!);
  }

  /** Gradient of the input; undefined behind the embedding. */
  async backward(gradient: HostArray | undefined): Promise<HostArray | undefined> {
    const { outputGradient, inputGradient, backwardInput, backwardWeight } = this.programs;
    if (outputGradient !== undefined) this.backend.write(this.tensors.get(outputGradient.name)!, gradient!);
    await this.run(backwardInput);
    await this.run(backwardWeight);
    return inputGradient && this.backend.read(this.tensors.get(inputGradient.name)!);
  }

  async update(step: number): Promise<void> {
    const { optimizer, lr, steps } = this.plan.spec.train;
    this.use(this.versions.length - 1);
    const rate = learningRate({ ...lr, peak: optimizer.lr, steps }, step);
    const hyper = optimizerHyper(optimizer, { lr: rate, step, gradientFactor: 1 });
    this.backend.write(this.tensors.get(this.optimizer.hyper.name)!, hyper);
    await this.run(this.optimizer.update);
    this.versions.push(await this.weights());
  }

  private async weights(): Promise<Map<string, HostArray>> {
    const names = this.programs.parameters.map(({ name }) => name);
    const arrays = await this.backend.readAll(names.map((name) => this.tensors.get(name)!));
    return new Map(names.map((name, index) => [name, arrays[index]!]));
  }

  private async run(program: Parameters<Backend['bind']>[0]): Promise<void> {
    this.backend.run(await this.backend.bind(program, this.tensors));
  }
}
