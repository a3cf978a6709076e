export interface PostedDocument {
  readonly type: string;
  readonly body: string;
}

/** Documents that are as costly to read as the API still takes, each below its limits of bytes, lines and depth. */
export const WORST_DOCUMENTS: readonly PostedDocument[] = [
  { type: 'application/yaml', body: lines(49_000, (index) => `k${index}: v`) },
  { type: 'application/yaml', body: `a: [${'x, '.repeat(49_000)}x]` },
  { type: 'application/yaml', body: lines(16_000, () => '- !x y') },
  { type: 'application/yaml', body: `a: "${'\\z'.repeat(200_000)}"` },
  {
    type: 'application/yaml',
    body: `a: ${'['.repeat(60)}${']'.repeat(60)}\n${lines(9_000, (n) => `k${n}: {a: [b, c]}`)}`,
  },
  { type: 'application/json', body: JSON.stringify(Object.fromEntries(numbers(49_000).map((n) => [`k${n}`, n]))) },
  { type: 'application/json', body: JSON.stringify({ a: '"\\'.repeat(120_000) }) },
  { type: 'application/json', body: `{"a": [${'{},'.repeat(24_000)}{}]}` },
];

/** A run whose schedule has as many cells as one may have, over more stages than there are devices. */
export function largestSchedule(dataset: string): object {
  return {
    name: 'largest',
    model: { family: 'gpt2', layers: 64, heads: 1, hidden: 64, context: 64 },
    data: { dataset },
    train: { steps: 10, batch: { global: 256, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
    parallel: { pp: 32, schedule: 'zb-h1' },
  };
}

/** One of many that wait for devices and whose layers the planner splits. */
export function autoRun(dataset: string, index: number): object {
  return {
    name: `auto-${index}`,
    model: { family: 'gpt2', layers: 24, heads: 2, hidden: 128 + 2 * (index % 4), context: 64 },
    data: { dataset },
    train: { steps: 100_000, batch: { global: 16, micro: 2 }, optimizer: { type: 'adamw', lr: 0.001 }, seed: index },
    parallel: { pp: 8, schedule: '1f1b' },
    retries: 0,
  };
}

function lines(count: number, line: (index: number) => string): string {
  return numbers(count).map(line).join('\n');
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
