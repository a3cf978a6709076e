import { AppError } from '@millrace/core';
import {
  type Schedule,
  type ScheduleName,
  type Simulation,
  lowerSchedule,
  makeSchedule,
  proveSchedule,
  simulateSchedule,
} from '@millrace/pipeline';
import type { ScheduleSearch } from './schedule-search';

export interface DrawnSchedule {
  readonly schedule: Schedule;
  readonly simulation: Simulation;
}

/** A drawing with more cells than this fits no screen. */
const CELLS_MAX = 40_000;

/**
 * Makes, proves and simulates a schedule in the browser; returns a sentence that says why if there is no such schedule.
 */
export function drawSchedule(search: ScheduleSearch, name: ScheduleName = search.name): DrawnSchedule | string {
  const times = readTimes(search.times);
  if (times === undefined) return 'Give three times such as 1,1,1: how long F, I and W of one rank’s whole share take.';
  if (search.p * search.m * Math.max(1, search.v) > CELLS_MAX)
    return `This schedule has too many cells to draw: at most ${CELLS_MAX} are drawn here.`;
  try {
    const schedule = makeSchedule({
      name,
      ranks: search.p,
      microBatches: search.m,
      ...(search.v > 0 ? { chunks: search.v } : {}),
    });
    const lowered = lowerSchedule(schedule);
    proveSchedule(lowered);
    return { schedule, simulation: simulateSchedule(lowered, times) };
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

function readTimes(text: string): { F: number; I: number; W: number } | undefined {
  const [F, I, W, ...rest] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const isTime = (time: number | undefined): time is number => time !== undefined && Number.isFinite(time) && time >= 0;
  if (!isTime(F) || !isTime(I) || !isTime(W) || rest.length > 0 || F + I + W === 0) return undefined;
  return { F, I, W };
}
