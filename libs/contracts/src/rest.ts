import { FAILURE_CLASSES, RUN_STATES } from '@millrace/core';
import { z } from 'zod';
import { runSpecSchema } from './run-spec';
import { deviceTelemetrySchema } from './api/telemetry';
import { START_PHASES } from './schedule/start-phases';

/** Bodies of the REST API under /api/v1; design: lists are `{items, nextCursor}`, errors are RFC 9457 problems. */
export const runStateSchema = z.enum(RUN_STATES);

export const failureSchema = z.object({
  class: z.enum(FAILURE_CLASSES),
  code: z.string(),
  message: z.string(),
  culprit: z.object({ rank: z.int(), agent: z.string() }).optional(),
});
export type Failure = z.output<typeof failureSchema>;

export const reasonSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** For a queued run: the nearest placement that would do. */
  nearest: z.unknown().optional(),
});

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemSchema>;

export const datasetSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    tokens: z.int(),
    vocab: z.int(),
    tokenizer: z.string(),
    bytes: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: 'Dataset' });
export type DatasetBody = z.output<typeof datasetSchema>;

const millisecondsSchema = z.object({ F: z.number(), I: z.number(), W: z.number() });

/** What the planner predicted for an attempt, beside what its first steps took. Times are in milliseconds. */
export const planComparisonSchema = z
  .object({
    /** The step after which the comparison was made. */
    step: z.int(),
    layersPerStage: z.array(z.int()),
    predictedStepTimeMs: z.number(),
    /** The median of the measured steps. */
    measuredStepTimeMs: z.number(),
    /**
     * What the simulation predicts with the measured times; the difference to the measured step are waits that it does
     * not know.
     */
    simulatedStepTimeMs: z.number(),
    /** The times of F, I and W of one micro-batch. */
    stages: z.array(
      z.object({
        stage: z.int(),
        rank: z.int(),
        agent: z.string(),
        predicted: millisecondsSchema,
        /** Medians. */
        measured: millisecondsSchema,
        /** Measured time divided by predicted time, for F + I + W together. */
        ratio: z.number(),
      }),
    ),
    /** The plan that the planner would make from what was measured. */
    better: z.object({ layersPerStage: z.array(z.int()), stepTimeMs: z.number() }),
    /** The share of time that the better plan saves: 1 - better / simulated. */
    gain: z.number(),
    isClearlyWrong: z.boolean(),
    /** Whether the attempt ends at its next checkpoint, so that the run goes on with a better plan. */
    replan: z.boolean(),
  })
  .meta({ id: 'PlanComparison' });
export type PlanComparisonBody = z.output<typeof planComparisonSchema>;

export const attemptSchema = z
  .object({
    id: z.string(),
    fence: z.int(),
    state: z.string(),
    failure: failureSchema.nullable(),
    fromStep: z.int(),
    /** Which agent holds which rank and layers. */
    stages: z.array(z.object({ rank: z.int(), agent: z.string(), firstLayer: z.int(), layerCount: z.int() })),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    planComparison: planComparisonSchema.nullable(),
  })
  .meta({ id: 'Attempt' });

export const runSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    project: z.string(),
    state: runStateSchema,
    reason: reasonSchema.nullable(),
    step: z.int(),
    steps: z.int(),
    attempts: z.array(attemptSchema),
    /** Ranks of the live attempt that have not begun their first step: what each does, and for how long. */
    starting: z.array(z.object({ rank: z.int(), agent: z.string(), phase: z.enum(START_PHASES), seconds: z.number() })),
    /** How long the live attempt may take to start, from its placement; null when there is none. */
    startDeadlineMs: z.number().nullable(),
    /**
     * How long a step of the live attempt may take, by prediction; steps that take longer extend it. Null when there is
     * no live attempt.
     */
    stepDeadlineMs: z.number().nullable(),
    spec: runSpecSchema,
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    /** The comparison of the newest attempt that has one; null before the first one. */
    planComparison: planComparisonSchema.nullable(),
  })
  .meta({ id: 'Run' });
export type RunBody = z.output<typeof runSchema>;

/** A run in a list: it lacks what only the run's own page shows, and tells of its attempts only how they ended. */
export const listedRunSchema = runSchema
  .omit({ starting: true, startDeadlineMs: true, stepDeadlineMs: true, planComparison: true })
  .extend({ attempts: z.array(attemptSchema.pick({ id: true, fence: true, state: true, failure: true })) })
  .meta({ id: 'ListedRun' });
export type ListedRunBody = z.output<typeof listedRunSchema>;

/** A run in a list of thousands (`view=brief`): what a row of a table shows. */
export const briefRunSchema = runSchema
  .pick({ id: true, name: true, project: true, state: true, step: true, steps: true })
  .extend({
    reason: reasonSchema.pick({ code: true, message: true }).nullable(),
    /** Two values of the spec. */
    parallel: z.object({ pp: z.int(), schedule: z.string() }),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
  })
  .meta({ id: 'BriefRun' });
export type BriefRunBody = z.output<typeof briefRunSchema>;

export const submittedSchema = z.object({ id: z.string(), state: runStateSchema }).meta({ id: 'Submitted' });
export type SubmittedBody = z.output<typeof submittedSchema>;

/** All values are in bytes. */
const plannedMemorySchema = z.object({
  weights: z.number(),
  gradients: z.number(),
  optimizer: z.number(),
  activations: z.number(),
  working: z.number(),
  total: z.number(),
});

/** What a rank's agent will allocate on its device. All values are in bytes. */
const rankMemorySchema = plannedMemorySchema.extend({
  /** What the validation needs besides. */
  evaluation: z.number(),
  /** Buffers through which activations, gradients and checkpoints leave the device. */
  staging: z.number(),
});

/** The answer of a dry run: how the run would be split and placed now, and what the simulation says of it. */
export const planSchema = z
  .object({
    stages: z.array(
      z.object({
        rank: z.int(),
        /** Null when no device is free for it. */
        agent: z.string().nullable(),
        firstLayer: z.int(),
        layerCount: z.int(),
        embedding: z.boolean(),
        head: z.boolean(),
        parameters: z.int(),
        memoryBytes: z.int(),
        /** The parts of the memory, as the planner counts them; null when nothing was planned. */
        memory: plannedMemorySchema.nullable(),
      }),
    ),
    /** Index = rank: what all its stages need together. */
    memory: z.array(rankMemorySchema),
    schedule: z.object({ name: z.string(), microBatches: z.int() }),
    predicted: z.object({
      /** Null when no device is known from whose speed it could be predicted. */
      stepTimeMs: z.number().nullable(),
      bubbleOfTotal: z.number(),
      bubbleOfIdeal: z.number(),
      peakMicroBatches: z.object({ untilInput: z.array(z.int()), untilWeight: z.array(z.int()) }),
    }),
    /** The other plans that were considered, the best first, and why each lost; empty when no speed is known. */
    runnerUps: z.array(
      z.object({
        name: z.string(),
        reason: z.string(),
        layersPerStage: z.array(z.int()).nullable(),
        /** Index = rank. */
        devices: z.array(z.string()).nullable(),
        stepTimeMs: z.number().nullable(),
        bubbleOfTotal: z.number().nullable(),
        fits: z.boolean(),
      }),
    ),
    /** The plan for people to read; null when no speed is known. */
    explanation: z.string().nullable(),
    /** What the settings of the run give up, in sentences. */
    notes: z.array(z.string()),
    timetable: z.string(),
    /** What the predicted times are based on; null when nothing was planned. */
    basis: z
      .object({
        devices: z.array(
          z.object({
            /** host:device, index = rank. */
            device: z.string(),
            /**
             * `measured`: the layers of this model were run on this kind of device; otherwise their times are estimated
             * from its benchmark.
             */
            layers: z.enum(['measured', 'estimated']),
          }),
        ),
        /** The links between consecutive ranks; one that was not measured counts as taking no time. */
        links: z.array(z.enum(['measured', 'unknown'])),
      })
      .nullable(),
    /** Why the run could not start now; null when it could. */
    pending: reasonSchema.nullable(),
  })
  .meta({ id: 'Plan' });
export type PlanBody = z.output<typeof planSchema>;

export const metricPageSchema = z
  .object({
    points: z.array(
      z.object({
        step: z.int(),
        value: z.number(),
        time: z.string(),
        /** Set if old points were thinned: this point is the last of so many steps, and `value` is its own value. */
        summary: z.object({ steps: z.int(), min: z.number(), max: z.number(), mean: z.number() }).optional(),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'MetricPage' });
export type MetricPage = z.output<typeof metricPageSchema>;

export const checkpointSchema = z
  .object({
    id: z.string(),
    runId: z.string().nullable(),
    step: z.int(),
    state: z.literal('durable'),
    bytes: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: 'Checkpoint' });
export type CheckpointBody = z.output<typeof checkpointSchema>;

export const agentSchema = z
  .object({
    id: z.string(),
    host: z.string(),
    device: z.int(),
    /** One of connected, draining, set-aside and disconnected. */
    state: z.string(),
    /**
     * The agent caused several failures, so that it gets no attempt until then or until `:undrain`; null if it may have
     * one.
     */
    setAside: z.object({ until: z.string(), reason: z.string() }).nullable(),
    version: z.string(),
    dataAddress: z.string(),
    /**
     * The adapter as the agent describes it; `uuid` and `pciAddress` tell which GPU it is, `deviceProof` how that is
     * known.
     */
    adapter: z.record(z.string(), z.unknown()),
    /** Ids of other connected agents on the very same GPU. */
    sharesDeviceWith: z.array(z.string()),
    benchmark: z.object({ matmulGflops: z.number(), memoryGbps: z.number() }),
    labels: z.record(z.string(), z.string()),
    /** The lease of the attempt that holds the device. */
    lease: z.object({ runId: z.string(), fence: z.int(), rank: z.int(), expiresAt: z.string() }).nullable(),
    /** The lease of the generation that holds it, if no attempt does; an attempt may take it over. */
    generation: z.object({ id: z.string(), rank: z.int(), expiresAt: z.string() }).nullable(),
    lastSeenAt: z.string(),
    /** The last telemetry of its device; null before the first. */
    telemetry: deviceTelemetrySchema.nullable(),
  })
  .meta({ id: 'Agent' });
export type AgentBody = z.output<typeof agentSchema>;

export const logLineSchema = z
  .object({
    id: z.string(),
    time: z.string(),
    level: z.string(),
    stage: z.int(),
    agent: z.string(),
    fence: z.int(),
    text: z.string(),
  })
  .meta({ id: 'LogLine' });
export type LogLineBody = z.output<typeof logLineSchema>;

export const eventSchema = z
  .object({
    sequence: z.string(),
    time: z.string(),
    type: z.string(),
    runId: z.string().nullable(),
    subject: z.string(),
    data: z.unknown(),
  })
  .meta({ id: 'Event' });
export type EventBody = z.output<typeof eventSchema>;

export const generateRequestSchema = z
  .strictObject({
    prompt: z.string().min(1).max(100_000),
    maxTokens: z.int().min(1).max(4096).default(100),
    temperature: z.number().min(0).max(100).default(0.8),
    seed: z.int().min(0).default(0),
  })
  .meta({ id: 'GenerateRequest' });
export type GenerateRequest = z.output<typeof generateRequestSchema>;

export const generatedSchema = z.object({ text: z.string(), tokens: z.int() }).meta({ id: 'Generated' });
export type GeneratedBody = z.output<typeof generatedSchema>;

export const listOf = <T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; nextCursor: z.ZodNullable<z.ZodString> }> =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
