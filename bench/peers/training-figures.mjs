/** The next token of a chain that can be learned up to its noise; every peer trains on it. */
export function noisyChain(vocabulary, uniform = seededUniform()) {
  let token = 0;
  return () => (token = uniform() < 0.8 ? (token * 7 + 3) % vocabulary : Math.floor(uniform() * vocabulary));
}

export function seededUniform(seed = 42) {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Prints the result of a training: the median step without the first three, and the losses at both ends. */
export function printTraining({ times, losses, tokens }) {
  const stepMs = median(times.slice(Math.min(3, times.length - 1)));
  const result = { tokensPerSecond: (tokens * 1000) / stepMs, stepMs, lossFirst: losses[0], lossLast: losses.at(-1) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
