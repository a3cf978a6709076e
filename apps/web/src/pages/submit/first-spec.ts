export const FIRST_DATASET = 'moby-dick';

/** The spec that the submit page begins with, which is small enough for two laptops without a GPU. */
export const FIRST_SPEC = `# Every field is explained in docs/run-spec.md.
name: my-first-run
model:
  family: gpt2
  layers: 4
  heads: 4
  hidden: 128
  context: 64
data:
  dataset: ${FIRST_DATASET}
  validation: 0.1
train:
  steps: 200
  batch: { global: 16, micro: 4 }
  optimizer: { type: adamw, lr: 2.0e-3, betas: [0.9, 0.95], weightDecay: 0.1 }
  lr: { schedule: cosine, warmup: 20, min: 2.0e-4 }
  clip: 1.0
  seed: 1337
  evalEvery: 50
  checkpointEvery: 50
parallel:
  pp: 2
  schedule: 1f1b
`;
