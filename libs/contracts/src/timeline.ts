import { z } from 'zod';

/**
 * Why a rank's host waits. input, gradient: for a tensor of a neighbour; tied: for the other end's gradient of a tied
 * embedding; commit: for the agreement at the end of a step (norms at rank 0, its word elsewhere); send: until what was
 * sent is on its way; evaluation: for a neighbour in a validation pass.
 */
export const WAIT_CAUSES = ['input', 'gradient', 'tied', 'commit', 'send', 'evaluation'] as const;
export type WaitCause = (typeof WAIT_CAUSES)[number];

/**
 * What a span of a timeline is. compute: F, I, W on the device; evaluation: a validation pass on it; optimizer: REDUCE
 * and STEP on it; send: a tensor's readback, then its way until the receiver had room; receive: from the frame at hand
 * to its values on the device.
 */
export const SPAN_CAUSES = [
  'compute',
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
export type SpanCause = (typeof SPAN_CAUSES)[number];

/** Milliseconds since the timeline's first span. */
const timesSchema = { startMs: z.number(), endMs: z.number() };

/** `GET /runs/{id}/timeline?format=json`: the last traced steps, for a program that draws them. */
export const timelineSchema = z
  .object({
    runId: z.string(),
    fence: z.int(),
    /** Wall clock of time 0; null when nothing was traced. */
    beganAt: z.string().nullable(),
    predictedStepTimeMs: z.number().nullable(),
    /** When the first compute action of each step began: where its plan begins. */
    steps: z.array(z.object({ step: z.int(), startMs: z.number() })),
    ranks: z.array(
      z.object({
        rank: z.int(),
        agent: z.string(),
        /** `host:device`. */
        device: z.string(),
        spans: z.array(z.object({ step: z.int(), action: z.string(), cause: z.enum(SPAN_CAUSES), ...timesSchema })),
        /** Of one step, from its begin on; empty when a device's speed is not known. */
        planned: z.array(z.object({ action: z.string(), ...timesSchema })),
      }),
    ),
  })
  .meta({ id: 'Timeline' });
export type TimelineBody = z.output<typeof timelineSchema>;
