import {
  addLossRows,
  allParameters,
  clipCoefficient,
  gradientNorm,
  initialiseParameter,
  optimizerHyper,
  wholeModel,
} from '@millrace/model';
import type { WebGpuBackend } from '@millrace/runtime';
import { elementCount } from '@millrace/tensor';
import { InProcessStage } from '../../../../libs/testing/src/in-process-stage';
import { median } from '../../measurement';
import { BenchError } from '../bench-error';
import { noise } from '../measure/fill-tensors';
import { BENCH_OPTIMIZER } from '../measure/step-programs';
import type { StepCase } from '../gpu-cases';
import type { SectionContext } from '../gpu-section';

const LEARNING_RATE = 1e-4;
const CLIP = 1;
/** Gradients of models with made-up weights stay finite in f16 by it. */
const HALF_LOSS_SCALE = 2 ** 10;
const WARM_UP_STEPS = 2;
const STEPS = 7;
const STEPS_MIN = 3;
/** Parameters of more elements are made of repeated noise: the initial values of a model would take minutes. */
const DRAWN_MAX = 1 << 16;
/** Uniform noise of this width has a deviation of 1. */
const UNIT_WIDTH = Math.sqrt(12);

/** Whole steps of training with AdamW on one device, as an agent runs them: the norm is read before the update. */
export async function measureSteps({ device, cases, clock, untilMs }: SectionContext): Promise<void> {
  for (const step of cases.steps) {
    await device.measure({ name: step.name, unit: 'ms' }, async (backend) => {
      const { config, precision, microBatch } = step;
      const slice = wholeModel(config);
      const stage = new InProcessStage({ config, slice, precision, microBatch, optimizer: BENCH_OPTIMIZER, backend });
      try {
        await stage.bind();
        writeParameters(stage);
        stage.run('copyWeights');
        const times: number[] = [];
        let loss = Number.NaN;
        for (let index = 0; index < WARM_UP_STEPS + STEPS; index++) {
          if (times.length >= STEPS_MIN && clock.monotonicMs() + times.at(-1)! > untilMs) break;
          const startMs = clock.monotonicMs();
          loss = await trainStep(stage, step, { backend, step: index + 1 });
          if (index >= WARM_UP_STEPS) times.push(clock.monotonicMs() - startMs);
        }
        if (!Number.isFinite(loss)) throw new BenchError('BENCH.WRONG_RESULT', `the loss is ${loss}`);
        const ms = median(times);
        const tokensPerSecond = (1000 * microBatch * config.context) / ms;
        const allocatedBytes = backend.allocatedBytes();
        return { ours: ms, detail: { tokensPerSecond, allocatedBytes, loss, steps: times.length } };
      } finally {
        stage.release();
      }
    });
  }
}

function writeParameters(stage: InProcessStage): void {
  for (const parameter of stage.programs.parameters) {
    const { name, shape, initial } = parameter;
    const count = elementCount(shape);
    if (initial.kind === 'constant' || count <= DRAWN_MAX) {
      stage.write(name, initialiseParameter(parameter, 1));
      continue;
    }
    const width = initial.deviation * UNIT_WIDTH;
    const chunk = Float32Array.from({ length: Math.min(count, 1 << 20) }, (_, index) => width * noise(index));
    for (let offset = 0; offset < count; offset += chunk.length) {
      stage.write(name, chunk.subarray(0, Math.min(chunk.length, count - offset)), offset);
    }
  }
}

/** Returns the mean loss. */
async function trainStep(
  stage: InProcessStage,
  { config, precision, microBatch }: StepCase,
  { backend, step }: { readonly backend: WebGpuBackend; readonly step: number },
): Promise<number> {
  const tokens = microBatch * config.context;
  const lossScale = precision === 'f16' ? HALF_LOSS_SCALE : 1;
  const ids = Uint32Array.from({ length: tokens + 1 }, (_, index) => {
    return (Math.imul(index + step * tokens, 0x9e3779b1) >>> 0) % config.vocab;
  });
  stage.run('clearGradients');
  stage.write(stage.programs.tokens!.name, ids.subarray(0, tokens));
  stage.write(stage.programs.targets!.name, ids.subarray(1));
  stage.write(stage.programs.lossScale!.name, Float32Array.of(lossScale / tokens));
  for (const name of ['forward', 'backwardInput', 'backwardWeight', 'combine', 'squares'] as const) stage.run(name);
  const squares = await stage.squares();
  const names = allParameters(config).map(({ name }) => name);
  const norm = gradientNorm(squares, names) / lossScale;
  const update = { lr: LEARNING_RATE, step, gradientFactor: clipCoefficient(norm, CLIP) / lossScale };
  stage.write(stage.optimizer.hyper.name, optimizerHyper(BENCH_OPTIMIZER, update));
  stage.run('update');
  const loss = addLossRows(0, await stage.read(stage.programs.loss!.name)) / tokens;
  await backend.finish();
  return loss;
}
