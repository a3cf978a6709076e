import { z } from 'zod';
import { SPAN_KINDS } from './span-causes';

export const timelineSpanSchema = z.object({
  rank: z.int(),
  /** Which of its rank's virtual stages; null if the span belongs to the rank as a whole. */
  chunk: z.int().nullable(),
  kind: z.enum(SPAN_KINDS),
  microBatch: z.int().nullable(),
  /** Microseconds since the first span of the whole answer, so that all steps share one axis. */
  startUs: z.number(),
  durationUs: z.number(),
});
export type TimelineSpan = z.output<typeof timelineSpanSchema>;

/** What one rank sent to another for one purpose, averaged over the traced steps that are kept. */
export const linkTrafficSchema = z.object({
  fromRank: z.int(),
  toRank: z.int(),
  /** The purpose of the frames: activation, gradient, tied, evaluation … */
  edge: z.string(),
  framesPerStep: z.number(),
  bytesPerStep: z.number(),
  /** Bytes divided by the time of those steps, each counted from the end of the step before. */
  bytesPerSecond: z.number(),
});
export type LinkTraffic = z.output<typeof linkTrafficSchema>;

/** `GET /runs/{id}/timeline?format=json`: the last traced steps, for a program that draws them. */
export const timelineSchema = z
  .object({
    runId: z.string(),
    fence: z.int(),
    /**
     * How long one step takes by the simulation; null when a device's speed is not known, in which case nothing is
     * planned.
     */
    predictedStepTimeMs: z.number().nullable(),
    /** Ids; index = rank. */
    agents: z.array(z.string()),
    /** What the senders counted over all traced steps, whatever `steps` asks for. */
    links: z.array(linkTrafficSchema),
    /** Ascending. */
    steps: z.array(
      z.object({
        step: z.int(),
        /** When the step's first F began, on the axis of the spans; the planned actions begin there. */
        startUs: z.number(),
        spans: z.array(timelineSpanSchema),
        planned: z.array(timelineSpanSchema),
      }),
    ),
  })
  .meta({ id: 'Timeline' });
export type TimelineBody = z.output<typeof timelineSchema>;
