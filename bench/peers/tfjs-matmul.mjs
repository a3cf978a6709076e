import { openTfjs } from './open-tfjs.mjs';
import { median } from './training-figures.mjs';

/** Prints {size: GFLOP/s} of tf.matMul, eight products chained before one element is read back. */
const CHAIN = 8;
const tf = await openTfjs();
const result = {};
for (const size of process.argv.slice(2).map(Number)) {
  const a = tf.randomNormal([size, size]);
  const b = tf.randomNormal([size, size]);
  const times = [];
  for (let repetition = 0; repetition < 7; repetition++) {
    const start = performance.now();
    const last = tf.tidy(() => {
      let product = a;
      for (let link = 0; link < CHAIN; link++) product = tf.matMul(product, b);
      return tf.slice(product, [0, 0], [1, 1]);
    });
    await last.data();
    last.dispose();
    if (repetition >= 2) times.push((performance.now() - start) / CHAIN);
  }
  result[size] = (2 * size ** 3) / median(times) / 1e6;
}
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
