import { openTfjs } from './open-tfjs.mjs';
import { noisyChain, printTraining, seededUniform } from './training-figures.mjs';

/**
 * A GPT-2 in plain tfjs trained with Adam on a noisy chain of tokens.
 * Prints {tokensPerSecond, stepMs, lossFirst, lossLast}.
 * Usage: node tfjs-gpt.mjs STEPS LAYERS HEADS WIDTH CONTEXT BATCH VOCABULARY. A step ends when its loss has been read.
 */
const [steps, L, H, C, T, B, V] = process.argv.slice(2).map(Number);
const D = C / H;
const tf = await openTfjs();

const uniform = seededUniform();
const gauss = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

const parameters = new Map();
function parameter(name, shape, { deviation = 0, mean = 0 }) {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, () => mean + (deviation === 0 ? 0 : deviation * gauss()));
  parameters.set(name, tf.variable(tf.tensor(values, shape), true, name));
}
parameter('wte', [V, C], { deviation: 0.02 });
parameter('wpe', [T, C], { deviation: 0.02 });
for (let layer = 0; layer < L; layer++) {
  const projection = 0.02 / Math.sqrt(2 * L);
  for (const norm of ['ln1', 'ln2']) {
    parameter(`${layer}.${norm}.w`, [C], { mean: 1 });
    parameter(`${layer}.${norm}.b`, [C], {});
  }
  for (const [name, rows, columns, deviation] of [
    ['qkv', C, 3 * C, 0.02],
    ['out', C, C, projection],
    ['fc', C, 4 * C, 0.02],
    ['proj', 4 * C, C, projection],
  ]) {
    parameter(`${layer}.${name}.w`, [rows, columns], { deviation });
    parameter(`${layer}.${name}.b`, [columns], {});
  }
}
parameter('lnf.w', [C], { mean: 1 });
parameter('lnf.b', [C], {});

const mask = tf.keep(
  tf.tensor(
    Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)),
    [1, 1, T, T],
  ),
);
const p = (name) => parameters.get(name);
const linear = (x, name) => tf.add(tf.matMul(x, p(`${name}.w`)), p(`${name}.b`));
const heads = (t) => tf.transpose(tf.reshape(t, [B, T, H, D]), [0, 2, 1, 3]);

function norm(x, name) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), p(`${name}.w`)), p(`${name}.b`));
}

function gelu(x) {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), 0.7978845608028654);
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

function block(x, layer) {
  const [q, k, v] = tf.split(linear(norm(x, `${layer}.ln1`), `${layer}.qkv`), 3, 1).map(heads);
  const attention = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)), mask));
  const y = tf.reshape(tf.transpose(tf.matMul(attention, v), [0, 2, 1, 3]), [B * T, C]);
  const middle = tf.add(x, linear(y, `${layer}.out`));
  return tf.add(middle, linear(gelu(linear(norm(middle, `${layer}.ln2`), `${layer}.fc`)), `${layer}.proj`));
}

function logits(tokens) {
  const embedded = tf.reshape(tf.gather(p('wte'), tokens), [B, T, C]);
  let x = tf.reshape(tf.add(embedded, tf.reshape(p('wpe'), [1, T, C])), [B * T, C]);
  for (let layer = 0; layer < L; layer++) x = block(x, layer);
  return tf.matMul(norm(x, 'lnf'), p('wte'), false, true);
}

const nextToken = noisyChain(V, uniform);
const optimizer = tf.train.adam(1e-3, 0.9, 0.95, 1e-8);
const times = [];
const losses = [];
for (let step = 0; step < steps; step++) {
  const stream = Int32Array.from({ length: B * T + 1 }, nextToken);
  const start = performance.now();
  const loss = tf.tidy(() => {
    const inputs = tf.tensor1d(stream.slice(0, -1), 'int32');
    const targets = tf.oneHot(tf.tensor1d(stream.slice(1), 'int32'), V).cast('float32');
    const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(targets, logits(inputs)));
    optimizer.applyGradients(grads);
    return value;
  });
  losses.push((await loss.data())[0]);
  loss.dispose();
  times.push(performance.now() - start);
}
printTraining({ times, losses, tokens: B * T });
process.exit(0);
