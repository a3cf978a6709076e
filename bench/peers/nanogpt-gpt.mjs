import { create, globals } from 'webgpu';
import { noisyChain, printTraining } from './training-figures.mjs';

/**
 * A model of @genai-fi/nanogpt, trained by its own trainer in f32 on a noisy chain of tokens. It has learned positions
 * and a tied head as GPT-2 has; RMSNorm for LayerNorm and no biases, so a little less to do.
 * Prints {tokensPerSecond, stepMs, lossFirst, lossLast}.
 * Usage: node nanogpt-gpt.mjs STEPS LAYERS HEADS WIDTH CONTEXT BATCH VOCABULARY. A step ends when its loss was read.
 */
const [steps, nLayer, nHead, nEmbed, blockSize, batchSize, vocabSize] = process.argv.slice(2).map(Number);

Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]), userAgent: 'node' }, configurable: true });
// The package tells its backend on the standard output, which belongs to the result.
console.log = console.error;
// Its bundled tfjs looks for Node's modules where the bundler left them out, unless it is in a worker of a browser.
globalThis.WorkerGlobalScope = class {};
// The parts of it that train. Its copy of tfjs and the one imported here share one engine.
const part = (path) => import(new URL(`node_modules/@genai-fi/nanogpt/dist/${path}`, import.meta.url).href);
const { selectBackend } = await part('backend.js');
await selectBackend('webgpu');
const tf = await import('@tensorflow/tfjs-core');
const { default: NanoGpt } = await part('models/NanoGPTV1.js');
const { default: BasicTrainer } = await part('training/BasicTrainer.js');

const nextToken = noisyChain(vocabSize);
function nextBatch() {
  const stream = Int32Array.from({ length: batchSize * blockSize + 1 }, nextToken);
  const shape = [batchSize, blockSize];
  return { xs: tf.tensor2d(stream.slice(0, -1), shape, 'int32'), ys: tf.tensor2d(stream.slice(1), shape, 'int32') };
}
const dataset = { iterator: async () => ({ next: async () => ({ done: false, value: nextBatch() }) }) };

const optimizer = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  warmupSteps: 0,
  clipNorm: 1,
};
const model = new NanoGpt({ vocabSize, blockSize, nLayer, nHead, nEmbed, mlpFactor: 4, useRope: false });
const trainer = new BasicTrainer(model, undefined, optimizer);
// It reads the loss of every step whose log is due.
const options = { logInterval: 0, batchSize, maxEpochs: 1, epochSteps: steps };
const times = [];
const losses = [];
let start = performance.now();
trainer.prepareToTrain(options);
await trainer.trainOnDataset(dataset, options, undefined, ({ trainingMetrics }) => {
  times.push(performance.now() - start);
  losses.push(trainingMetrics.loss);
  start = performance.now();
});
printTraining({ times, losses, tokens: batchSize * blockSize });
process.exit(0);
