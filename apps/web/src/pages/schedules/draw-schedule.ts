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

/** More cells than this no screen shows and no reader reads. */
const CELLS_MAX = 40_000;

/** Made, proved and simulated here in the browser; or the sentence that says why there is no such schedule. */
export function drawSchedule(search: ScheduleSearch, name: ScheduleName = search.name): DrawnSchedule | string {
  const times = readTimes(search.times);
  if (times === undefined)
    return 'The times are three numbers such as 1,1,1: of F, I and W, of one rank’s whole share.';
  if (search.p * search.m * Math.max(1, search.v) > CELLS_MAX)
    return `More than ${CELLS_MAX} cells are not drawn here.`;
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
