import { z } from 'zod';
import { SPAN_KINDS } from './span-causes';

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
