import type {
  AgentBody,
  AuditEntryBody,
  CheckpointBody,
  DatasetBody,
  ListedRunBody,
  LogLineBody,
  OverviewBody,
  PlanBody,
  ProjectBody,
  RunBody,
  RunSpecInput,
  SessionBody,
  StreamMessage,
  TokenBody,
  UserBody,
} from '@millrace/contracts';
import { listedRunSchema, parseRunSpec } from '@millrace/contracts';

/** One realistic object of each kind; a test checks each against its schema. */
const TIME = '2026-11-21T09:30:00.000Z';
const RUN_ID = 'run_4h2k9d7mexample0';
const USER = { id: 'user_7c1v5w9qexample0', name: 'ada' };

const runSpec: RunSpecInput = {
  name: 'moby-gpt',
  model: { family: 'gpt2', layers: 4, heads: 4, hidden: 128, context: 64 },
  data: { dataset: 'moby-dick', validation: 0.1 },
  train: { steps: 200, batch: { global: 16, micro: 4 }, optimizer: { type: 'adamw', lr: 0.001 } },
  parallel: { pp: 2 },
};

const run: RunBody = {
  id: RUN_ID,
  name: 'moby-gpt',
  project: 'default',
  state: 'running',
  reason: null,
  step: 120,
  steps: 200,
  attempts: [
    {
      id: 'attempt_2m8r4t6yexample0',
      fence: 1,
      state: 'running',
      failure: null,
      fromStep: 0,
      stages: [
        { rank: 0, agent: 'agent_0a1b2c3dexample0', firstLayer: 0, layerCount: 2 },
        { rank: 1, agent: 'agent_9z8y7x6wexample0', firstLayer: 2, layerCount: 2 },
      ],
      createdAt: TIME,
      startedAt: TIME,
      finishedAt: null,
      planComparison: null,
    },
  ],
  starting: [],
  startDeadlineMs: 902_000,
  stepDeadlineMs: 300_000,
  spec: parseRunSpec(runSpec),
  createdAt: TIME,
  startedAt: TIME,
  finishedAt: null,
  planComparison: null,
};

const listedRun: ListedRunBody = listedRunSchema.parse(run);

const plan: PlanBody = {
  stages: [
    {
      rank: 0,
      agent: 'agent_0a1b2c3dexample0',
      firstLayer: 0,
      layerCount: 4,
      embedding: true,
      head: true,
      parameters: 811_008,
      memoryBytes: 21_405_696,
      memory: null,
    },
  ],
  memory: [
    {
      weights: 3_244_032,
      gradients: 3_244_032,
      optimizer: 6_496_256,
      activations: 7_012_352,
      working: 1_409_024,
      evaluation: 0,
      staging: 9_732_096,
      total: 31_137_792,
    },
  ],
  schedule: { name: '1f1b', microBatches: 4 },
  predicted: {
    stepTimeMs: 412.5,
    bubbleOfTotal: 0,
    bubbleOfIdeal: 0,
    peakMicroBatches: { untilInput: [1], untilWeight: [1] },
  },
  runnerUps: [],
  explanation: null,
  notes: [],
  timetable: '0F0 0I0 0W0',
  basis: { devices: [{ device: 'gpu-1:0', layers: 'measured' }], links: [] },
  pending: null,
};

const dataset: DatasetBody = {
  id: 'dataset_3k5n7p9rexample0',
  name: 'moby-dick',
  tokens: 1_215_236,
  vocab: 256,
  tokenizer: 'byte',
  bytes: 2_430_472,
  createdAt: TIME,
};

const checkpoint: CheckpointBody = {
  id: 'checkpoint_6q8s0v2xexample0',
  runId: RUN_ID,
  step: 100,
  state: 'durable',
  bytes: 9_732_096,
  createdAt: TIME,
};

const agent: AgentBody = {
  id: 'agent_0a1b2c3dexample0',
  host: 'gpu-1',
  device: 0,
  state: 'connected',
  setAside: null,
  version: '0.1.0',
  dataAddress: '192.0.2.10:7100',
  adapter: {
    vendor: 'nvidia',
    description: 'NVIDIA GeForce RTX 3090',
    memoryBytes: 25_769_803_776,
    uuid: 'GPU-5a8f0b52-1c2d-4e3f-8a9b-0c1d2e3f4a5b',
    pciAddress: '0000:3b:00.0',
    deviceProof: 'nvidia-smi',
    quarantined: [],
  },
  sharesDeviceWith: [],
  benchmark: { matmulGflops: 17_320.5, memoryGbps: 812.4 },
  labels: { room: 'lab' },
  lease: { runId: RUN_ID, fence: 1, rank: 0, expiresAt: TIME },
  generation: null,
  lastSeenAt: TIME,
  telemetry: null,
};

const logLine: LogLineBody = {
  id: '4711',
  time: TIME,
  level: 'info',
  stage: 0,
  agent: agent.id,
  fence: 1,
  text: 'step 120: loss 2.914',
};

const user: UserBody = { ...USER, role: 'member', disabled: false, createdAt: TIME };
const token: TokenBody = {
  id: 'token_5f7h9k1mexample0',
  name: 'laptop',
  user: USER,
  agentId: null,
  scope: ['read', 'runs'],
  createdAt: TIME,
  expiresAt: '2027-02-21T09:30:00.000Z',
};
const project: ProjectBody = {
  id: 'project_8g0j2m4pexample0',
  name: 'whales',
  everyone: false,
  members: [USER.id],
  createdAt: TIME,
};
const auditEntry: AuditEntryBody = {
  id: '1042',
  time: TIME,
  actor: USER,
  tokenId: token.id,
  action: 'run.submit',
  subject: RUN_ID,
  data: { state: 'queued' },
};
const session: SessionBody = { user: { ...USER, role: 'member' }, expiresAt: '2026-11-28T09:30:00.000Z' };

const streamMessage: StreamMessage = {
  sequence: '1187',
  topic: `run:${RUN_ID}`,
  type: 'run.state',
  time: TIME,
  runId: RUN_ID,
  subject: RUN_ID,
  data: { from: 'starting', state: 'running', fence: 1, step: 0, reason: null },
};

const overview: OverviewBody = {
  agents: { connected: 2, draining: 0, gone: 0, devices: 2, leased: 2 },
  runs: {
    queued: 1,
    scheduled: 0,
    starting: 0,
    running: 1,
    pausing: 0,
    paused: 0,
    recovering: 0,
    stopping: 0,
    succeeded: 12,
    failed: 1,
    cancelled: 2,
  },
  recentFailures: [
    {
      id: 'run_1a3c5e7gexample0',
      name: 'too-hot',
      state: 'failed',
      reason: { code: 'RUN.LOSS_NOT_FINITE', message: 'the loss of step 31 is not finite' },
      endedAt: TIME,
    },
  ],
  queue: [
    {
      id: 'run_2b4d6f8hexample0',
      name: 'next',
      position: 1,
      reason: { code: 'PENDING', message: 'waits for the scheduler' },
    },
  ],
  tokensPerSecond: 10_240,
};

export const EXAMPLES = {
  runSpec,
  run,
  listedRun,
  plan,
  dataset,
  checkpoint,
  agent,
  telemetry: {
    series: {
      utilizationPercent: [{ time: TIME, value: 97.5 }],
      memoryUsedBytes: [{ time: TIME, value: 61_203_283_968 }],
      memoryTotalBytes: [{ time: TIME, value: 85_520_809_984 }],
      temperatureC: [{ time: TIME, value: 64 }],
      powerW: [{ time: TIME, value: null }],
      loadAverage: [{ time: TIME, value: 3.1 }],
      hostMemoryUsedBytes: [{ time: TIME, value: 18_253_611_008 }],
    },
  },
  logLine,
  user,
  token,
  project,
  auditEntry,
  session,
  streamMessage,
  overview,
  submitted: { id: RUN_ID, state: 'queued' },
  metricPage: { points: [{ step: 1, value: 5.545177, time: TIME }], nextCursor: null },
  series: {
    series: [{ name: 'train/loss', total: 1_000_000, points: [{ step: 2000, value: 2.914, min: 2.87, max: 3.02 }] }],
  },
  datasetPreview: { tokens: [67, 97, 108, 108], text: 'Call', pieces: ['C', 'a', 'l', 'l'] },
  generateRequest: { prompt: 'Call me', maxTokens: 20, temperature: 0.8, seed: 1 },
  generated: { text: ' Ishmael. Some years ago', tokens: 24 },
  newUser: { name: 'ada', role: 'member' },
  userChanges: { role: 'admin' },
  newToken: { name: 'laptop', scope: ['read', 'runs'], expiresAt: '2027-02-21T09:30:00.000Z' },
  newProject: { name: 'whales', members: [USER.id] },
  projectChanges: { everyone: true },
  newJoinToken: { expiresInSeconds: 3600, uses: 1 },
  joinToken: {
    id: 'join_6d2f8k0sexample0',
    token: 'mlrjoin_4h2k9d7m',
    expiresAt: '2026-11-21T10:30:00.000Z',
    uses: 1,
    command: 'millrace agent --join 192.0.2.1:7071 --token mlrjoin_4h2k9d7m',
  },
  joinTokenRecord: {
    id: 'join_6d2f8k0sexample0',
    createdBy: USER,
    createdAt: TIME,
    expiresAt: '2026-11-21T10:30:00.000Z',
    uses: 4,
    usesLeft: 3,
    usedAt: TIME,
    agentId: 'agent_4e6g8j0kexample0',
    revokedAt: null,
  },
  newSession: { token: 'mlr_4h2k9d7m' },
  problem: {
    type: 'urn:millrace:error:RUN.NOT_FOUND',
    title: 'Not Found',
    status: 404,
    detail: 'there is no run run_x',
    instance: 'urn:millrace:request:7c1v5w9q4h2k9d7m',
    code: 'RUN.NOT_FOUND',
  },
} as const;
