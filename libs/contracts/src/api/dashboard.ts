import { RUN_STATES, type RunState } from '@millrace/core';
import { z } from 'zod';
import { reasonSchema, runStateSchema } from '../rest';

/** Answers made for the dashboard: what would take a page of the plain calls many requests. */

/** A message of `GET /events?topics=`. */
export const streamMessageSchema = z
  .object({
    /** Null for messages that are not stored: run.metric, run.log, run.timeline, agent.updated, agent.telemetry. */
    sequence: z.string().nullable(),
    /** The most specific of the wanted topics that the message belongs to. */
    topic: z.string(),
    type: z.string(),
    time: z.string(),
    runId: z.string().nullable(),
    subject: z.string(),
    data: z.unknown(),
  })
  .meta({ id: 'StreamMessage' });
export type StreamMessage = z.output<typeof streamMessageSchema>;

/**
 * A bucket of steps: its last step and value, and its least and largest value. While all points fit, each bucket is one
 * point.
 */
const seriesPointSchema = z.object({ step: z.int(), value: z.number(), min: z.number(), max: z.number() });

export const seriesSchema = z
  .object({
    series: z.array(
      z.object({
        name: z.string(),
        /** How many points are stored in the range; `points` sums them up. */
        total: z.int(),
        points: z.array(seriesPointSchema),
        /** Up to this step, one point stands for several; absent if every step has its own. */
        thinnedThrough: z.int().optional(),
      }),
    ),
  })
  .meta({ id: 'Series' });
export type SeriesBody = z.output<typeof seriesSchema>;

export const overviewSchema = z
  .object({
    agents: z.object({
      connected: z.int(),
      draining: z.int(),
      /** Agents that have registered, but are not connected now. */
      gone: z.int(),
      /** How many connected agents' devices there are; `leased` tells how many of all devices are leased. */
      devices: z.int(),
      leased: z.int(),
    }),
    /** The number of runs in each state. */
    runs: z.object(Object.fromEntries(RUN_STATES.map((state) => [state, z.int()])) as Record<RunState, z.ZodInt>),
    recentFailures: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        state: runStateSchema,
        reason: reasonSchema.nullable(),
        endedAt: z.string(),
      }),
    ),
    /** The first hundred waiting runs, in the order in which the scheduler takes them. */
    queue: z.array(z.object({ id: z.string(), name: z.string(), position: z.int(), reason: reasonSchema.nullable() })),
    /** The sum over all running runs, from their newest points. */
    tokensPerSecond: z.number(),
  })
  .meta({ id: 'Overview' });
export type OverviewBody = z.output<typeof overviewSchema>;

export const datasetPreviewSchema = z
  .object({
    tokens: z.array(z.int()),
    /** Null for a dataset that was uploaded as tokens. */
    text: z.string().nullable(),
    /** Each token by itself; one that is only a part of a character reads as U+FFFD. */
    pieces: z.array(z.string()).nullable(),
  })
  .meta({ id: 'DatasetPreview' });
export type DatasetPreviewBody = z.output<typeof datasetPreviewSchema>;
