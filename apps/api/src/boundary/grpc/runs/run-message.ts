import type { ListedRunBody, RunBody, runV1 } from '@millrace/contracts';
import { type EventRow, toEventBody } from '../../../ground/events/events.repository';

/** The message of a run, with the same content as over REST; a run in a list has fewer details of its attempts. */
export function runMessage(run: ListedRunBody & Partial<Omit<RunBody, 'attempts'>>): runV1.Run {
  const { id, name, project, state, reason, step, steps, spec, createdAt } = run;
  return {
    id,
    name,
    project,
    state,
    reason: reason === null ? undefined : { code: reason.code, message: reason.message },
    step,
    steps,
    attempts: run.attempts.map(attemptMessage),
    specJson: JSON.stringify(spec),
    createdAt,
    startedAt: run.startedAt ?? '',
    finishedAt: run.finishedAt ?? '',
    starting: run.starting ?? [],
    startDeadlineMs: run.startDeadlineMs ?? 0,
    stepDeadlineMs: run.stepDeadlineMs ?? 0,
  };
}

type AnyAttempt = ListedRunBody['attempts'][number] & Partial<RunBody['attempts'][number]>;

function attemptMessage({ id, fence, state, failure, fromStep = 0, stages = [] }: AnyAttempt): runV1.Attempt {
  const agents: string[] = [];
  for (const { rank, agent } of stages) agents[rank] = agent;
  return {
    id,
    fence,
    state,
    failureClass: failure?.class ?? '',
    failureCode: failure?.code ?? '',
    failureMessage: failure?.message ?? '',
    fromStep,
    agents,
  };
}

export function eventMessage(row: EventRow): runV1.RunEvent {
  const { time, type, subject, data } = toEventBody(row);
  return { sequence: Number(row.sequence), time, type, subject, dataJson: JSON.stringify(data) };
}
