import { timesInvalid } from '../pipeline.errors';
import type { Schedule } from '../schedule/schedule';

/** Time of F, I and W of one micro-batch, in any one unit. */
export interface ComputeTimes {
  readonly F: number;
  readonly I: number;
  readonly W: number;
}

/** Time of one tensor on a link: forward = activations to the next stage, backward = gradients to the previous. */
interface LinkTimes {
  readonly forward: number;
  readonly backward: number;
}

/** The times of equal ranks: they are those of a rank's whole share, of which a chunk takes 1/v. */
interface UniformTimes extends ComputeTimes {
  readonly link?: LinkTimes;
}

/** Measured times: one entry per stage, and per link (entry s joins stages s and s+1). */
export interface StageTimes {
  readonly stages: readonly ComputeTimes[];
  readonly links?: readonly LinkTimes[];
}

export type ScheduleTimes = UniformTimes | StageTimes;

const NO_LINK: LinkTimes = { forward: 0, backward: 0 };

/** Writes out the times with an entry for every stage and link. Throws PIPELINE.TIMES_INVALID. */
export function resolveTimes(schedule: Schedule, times: ScheduleTimes): Required<StageTimes> {
  const resolved = 'stages' in times ? perStage(schedule, times) : uniform(schedule, times);
  const all = [...resolved.stages.flatMap(({ F, I, W }) => [F, I, W]), ...resolved.links.flatMap(Object.values)];
  const bad = all.find((time: number) => !Number.isFinite(time) || time < 0);
  if (bad !== undefined) throw timesInvalid(`${bad} is not a duration: times must be finite and not negative`);
  return resolved;
}

function perStage(schedule: Schedule, times: StageTimes): Required<StageTimes> {
  const links = times.links ?? Array.from({ length: schedule.stages - 1 }, () => NO_LINK);
  if (times.stages.length !== schedule.stages || links.length !== schedule.stages - 1) {
    throw timesInvalid(
      `${schedule.stages} stages need ${schedule.stages} times and ${schedule.stages - 1} link times, ` +
        `not ${times.stages.length} and ${links.length}`,
    );
  }
  return { stages: times.stages, links };
}

function uniform(schedule: Schedule, times: UniformTimes): Required<StageTimes> {
  const v = schedule.chunks;
  const chunk: ComputeTimes = { F: times.F / v, I: times.I / v, W: times.W / v };
  return {
    stages: Array.from({ length: schedule.stages }, () => chunk),
    links: Array.from({ length: schedule.stages - 1 }, () => times.link ?? NO_LINK),
  };
}
