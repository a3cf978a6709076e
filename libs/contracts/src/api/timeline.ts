import { z } from 'zod';

/**
 * Why a rank's host waits. input, gradient: for a tensor of a neighbour; tied: for the other end's gradient of a tied
 * embedding; commit: for the agreement at the end of a step (norms at rank 0, its word elsewhere); send: until what was
 * sent is on its way; evaluation: for a neighbour in a validation pass.
 */
export const WAIT_CAUSES = ['input', 'gradient', 'tied', 'commit', 'send', 'evaluation'] as const;
export type WaitCause = (typeof WAIT_CAUSES)[number];

const OTHER_CAUSES = [
  'evaluation',
  'optimizer',
  'send',
  'receive',
  'wait-input',
  'wait-gradient',
  'wait-tied',
  'wait-commit',
  'wait-send',
  'wait-evaluation',
] as const;

/**
 * What a span of a timeline is. compute: F, I, W on the device; evaluation: a validation pass on it; optimizer: REDUCE
 * and STEP on it; send: a tensor's readback, then its way until the receiver had room; receive: from the frame at hand
 * to its values on the device.
 */
export const SPAN_CAUSES = ['compute', ...OTHER_CAUSES] as const;
export type SpanCause = (typeof SPAN_CAUSES)[number];

/** A span as it is shown: a compute action says which of the three it is. */
export const SPAN_KINDS = ['F', 'I', 'W', ...OTHER_CAUSES] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export const timelineSpanSchema = z.object({
  rank: z.int(),
  /** Which of its rank's virtual stages; null where the span is of the rank as a whole. */
  chunk: z.int().nullable(),
  kind: z.enum(SPAN_KINDS),
  microBatch: z.int().nullable(),
  /** Microseconds since the first span of the whole answer: one axis for all steps. */
  startUs: z.number(),
  durationUs: z.number(),
});
export type TimelineSpan = z.output<typeof timelineSpanSchema>;

/** What one rank sent another for one purpose, on average over the traced steps that are kept. */
export const linkTrafficSchema = z.object({
  fromRank: z.int(),
  toRank: z.int(),
  /** activation, gradient, tied, evaluation …: what the frames are for. */
  edge: z.string(),
  framesPerStep: z.number(),
  bytesPerStep: z.number(),
  /** By the time of those steps, from the end of the one before on. */
  bytesPerSecond: z.number(),
});
export type LinkTraffic = z.output<typeof linkTrafficSchema>;

/** `GET /runs/{id}/timeline?format=json`: the last traced steps, for a program that draws them. */
export const timelineSchema = z
  .object({
    runId: z.string(),
    fence: z.int(),
    /** Of one step, by the simulation; null when a device's speed is not known, and then nothing is planned. */
    predictedStepTimeMs: z.number().nullable(),
    /** Ids; index = rank. */
    agents: z.array(z.string()),
    /** As the senders counted it, whatever `steps` asks for. */
    links: z.array(linkTrafficSchema),
    /** Ascending. */
    steps: z.array(
      z.object({
        step: z.int(),
        /** When the step's first F began, on the axis of the spans: its plan begins there. */
        startUs: z.number(),
        spans: z.array(timelineSpanSchema),
        planned: z.array(timelineSpanSchema),
      }),
    ),
  })
  .meta({ id: 'Timeline' });
export type TimelineBody = z.output<typeof timelineSchema>;
