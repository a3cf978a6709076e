/** Documents of every format that the API reads, each with the path that takes it. */

/** @returns {{path: string, type: string, body: Buffer | string}} */
export function randomDocument(random) {
  return random.pick(FORMATS)(random);
}

const RUN = {
  name: 'fuzz',
  model: { family: 'gpt2', layers: 2, heads: 1, hidden: 8, context: 8 },
  data: { dataset: 'small' },
  train: { steps: 1, batch: { global: 2, micro: 1 }, optimizer: { type: 'adamw', lr: 0.001 } },
  parallel: { pp: 2, schedule: '1f1b' },
  // Nothing that is drawn may take the devices of the run that must not be harmed.
  resources: { include: ['no-such-host'] },
};

/** The run of `RUN` with some of its values replaced. */
export function mutated(random, value = RUN) {
  if (random.chance(0.03)) return random.anything();
  if (Array.isArray(value)) return value.map((each) => mutated(random, each));
  if (typeof value !== 'object' || value === null) return random.chance(0.08) ? random.anything(1) : value;
  const entries = Object.entries(value).flatMap(([key, each]) => {
    if (random.chance(0.02)) return [];
    return [[random.chance(0.01) ? random.text(2) : key, key === 'resources' ? each : mutated(random, each)]];
  });
  return Object.fromEntries(entries);
}

const FORMATS = [
  (random) => ({ path: '/runs?dryRun=true', type: 'application/json', body: JSON.stringify(mutated(random)) }),
  (random) => ({ path: '/runs?dryRun=true', type: 'application/json', body: damaged(random, JSON.stringify(RUN)) }),
  (random) => ({ path: '/runs?dryRun=true', type: 'application/yaml', body: yaml(random, 4).slice(0, 1 << 20) }),
  (random) => ({ path: '/runs?dryRun=true', type: 'application/yaml', body: repeatedYaml(random) }),
  (random) => ({ path: '/runs?dryRun=true', type: 'application/json', body: JSON.stringify(csvRun(random)) }),
  (random) => ({ path: '/checkpoints:import', type: 'application/octet-stream', body: safetensors(random) }),
  (random) => ({
    path: `/datasets?name=${name(random)}&tokenizer=${random.pick(['char', 'byte', 'gpt2'])}`,
    ...corpus(random),
  }),
  (random) => ({
    path: `/datasets?name=${name(random)}`,
    type: 'application/x-tokens-u16',
    body: random.bytes(random.int(0, 400)),
  }),
];

function name(random) {
  return encodeURIComponent(
    random.chance(0.8) ? `fuzz-${random.int(0, 1e9)}` : random.text(3).replace(/[\ud800-\udfff]/g, ''),
  );
}

function damaged(random, text) {
  const at = random.int(0, text.length);
  return text.slice(0, at) + random.text(3) + text.slice(random.chance(0.5) ? at : at + random.int(0, 9));
}

/** By the grammar of YAML, with what its parsers find hard. */
function yaml(random, depth) {
  const inner = () => (depth > 0 ? yaml(random, depth - 1) : random.pick(SCALARS));
  const indented = (text) => text.replaceAll('\n', '\n  ');
  const kind = random.int(0, 7);
  if (kind === 0) return random.many(1, 5, () => `${random.pick(KEYS)}:\n  ${indented(inner())}`).join('\n');
  if (kind === 1) return random.many(1, 5, () => `- ${indented(inner())}`).join('\n');
  if (kind === 2) return `[${random.many(0, 5, inner).join(', ')}]`;
  if (kind === 3) return `{${random.many(0, 5, () => `${random.pick(KEYS)}: ${inner()}`).join(', ')}}`;
  if (kind === 4) return `&a${random.int(0, 3)} ${inner()}`;
  if (kind === 5) return `${random.pick(['!', '!!str', '!!binary', '!<tag:x>', '!!set', '!!omap'])} ${inner()}`;
  if (kind === 6) return `${random.pick(['|', '>', '|-', '>+', '|9'])}\n  ${indented(random.text())}`;
  return random.pick(SCALARS);
}

const KEYS = ['a', 'b', '<<', '? x', '*a1', '"q"', "'s'", '[k]', '', 'name', 'model', 'train', '__proto__'];
const SCALARS = [
  'x',
  '1',
  '1e3',
  '.nan',
  '0o7',
  'null',
  '~',
  'true',
  '*a1',
  '"\\z\\u12"',
  "'",
  '"',
  '2001-01-01',
  '---',
  '#',
  '%YAML 9',
];

/** Small pieces repeated to many, where what is quadratic shows. */
function repeatedYaml(random) {
  const piece = random.pick([
    '[',
    '{',
    '- ',
    '? ',
    '}',
    ']',
    'a: ',
    '&x ',
    '*x ',
    '!t ',
    '"\\z',
    "'",
    'k: v\n',
    '- x\n',
    '# ',
    '\n',
    '|\n',
    '\t',
    ', ',
  ]);
  return `${random.pick(['', 'a: ', 'a: [', '&x '])}${piece.repeat(random.int(1, 30_000))}`.slice(0, 1 << 20);
}

function csvRun(random) {
  const cell = () => `${random.int(0, 3)}${random.pick(['F', 'B', 'I', 'W', 'X', ''])}${random.int(0, 3)}`;
  const scheduleCsv = random.many(1, 4, () => random.many(0, 12, cell).join(',')).join('\n');
  return { ...RUN, parallel: { pp: 2, schedule: 'csv', scheduleCsv } };
}

function safetensors(random) {
  const entry = () => ({
    dtype: random.pick(['F32', 'F16', 'BF16', 'I64', 'X', 3]),
    shape: random.many(0, 3, () => random.pick([0, 1, 2, 8, -1, 2 ** 40, 1.5])),
    data_offsets: [random.int(0, 64), random.int(0, 64)],
  });
  const entries = random.many(0, 6, () => [random.pick(['wte.weight', 'wpe.weight', 'h.0.ln_1.bias', 'x']), entry()]);
  const header = Buffer.from(random.chance(0.8) ? JSON.stringify(Object.fromEntries(entries)) : random.text(40));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(random.chance(0.9) ? header.length : random.pick([0, 2 ** 31, 2 ** 52])));
  return Buffer.concat([prefix, header, random.bytes(random.int(0, 64))]).subarray(
    0,
    random.chance(0.9) ? undefined : 9,
  );
}

function corpus(random) {
  if (random.chance(0.5)) return { type: 'text/plain', body: random.chance(0.5) ? random.bytes(64) : random.text(60) };
  return { type: 'application/x-ndjson', body: random.many(0, 9, () => JSON.stringify(random.anything())).join('\n') };
}
