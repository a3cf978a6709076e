import { START_PHASES, startPhaseText } from '@millrace/contracts/plain';
import { formatBytes, formatPercent } from '../../../format/format-number';
import { formatDuration } from '../../../format/format-time';

type Data = Readonly<Record<string, unknown>>;

const CHECKPOINT_REASONS: Readonly<Record<string, string>> = {
  keepCheckpoints: 'the run keeps newer ones (keepCheckpoints)',
  request: 'somebody asked for it',
};

/**
 * For each type of event, a sentence that says what happened; undefined if the event's fields are not the expected
 * ones.
 */
const SENTENCES: Readonly<Record<string, (data: Data) => string | undefined>> = {
  'run.state': ({ from, state, step, reason }) => {
    const change = from === undefined || from === null ? String(state) : `${String(from)} → ${String(state)}`;
    const why = messageOf(reason);
    return `${change} at step ${String(step)}${why === undefined ? '' : `: ${why}`}`;
  },
  'run.pending': (data) => messageOf(data),
  'run.rank_away': (data) => messageOf(data),
  'run.attempt': ({ number, fence, state, agents, fromStep, failure }) => {
    const where = Array.isArray(agents) ? ` on ${agents.join(', ')}, from step ${String(fromStep)}` : '';
    const why = messageOf(failure);
    return `attempt ${String(number ?? `of fence ${String(fence)}`)} is ${String(state)}${where}${why === undefined ? '' : `: ${why}`}`;
  },
  'run.starting': ({ rank, agent, phase }) => {
    const known = START_PHASES.find((each) => each === phase);
    return known === undefined ? undefined : `rank ${String(rank)} on ${String(agent)} ${startPhaseText(known)}`;
  },
  'run.checkpoint': ({ state, step, bytes, reason }) => {
    const subject = step === undefined ? 'a checkpoint' : `the checkpoint of step ${String(step)}`;
    const size = typeof bytes === 'number' ? `, ${formatBytes(bytes)}` : '';
    const why = typeof reason === 'string' ? `: ${CHECKPOINT_REASONS[reason] ?? reason}` : '';
    return `${subject} ${state === 'failed' ? '' : 'is '}${String(state)}${size}${why}`;
  },
  'run.plan_compared': ({ measuredStepTimeMs, predictedStepTimeMs, gain, replan }) => {
    if (typeof measuredStepTimeMs !== 'number' || typeof predictedStepTimeMs !== 'number') return undefined;
    const times = `a step takes ${formatDuration(measuredStepTimeMs)}, ${formatDuration(predictedStepTimeMs)} was predicted`;
    const better = typeof gain === 'number' && gain > 0 ? `another split would save ${formatPercent(gain)}` : '';
    const next = replan === true ? `${better}: it is planned anew` : better === '' ? 'the split stays' : better;
    return `${times}; ${next}`;
  },
  'run.stage_waiting': ({ rank, forRank, waitedMs, action }) =>
    typeof waitedMs === 'number'
      ? `rank ${String(rank)} has waited ${formatDuration(waitedMs)} for rank ${String(forRank)} in ${String(action)}`
      : undefined,
};

/** Says to a person what an event tells. */
export function eventText({ type, data }: { readonly type: string; readonly data: unknown }): string {
  if (typeof data !== 'object' || data === null) return data === undefined || data === null ? '' : String(data);
  return SENTENCES[type]?.(data as Data) ?? fieldsText(data);
}

/** Lists fields by name, for an event that has no sentence of its own. */
export function fieldsText(data: object): string {
  return Object.entries(data)
    .flatMap(([key, value]) => (value === null || value === undefined ? [] : [`${key} ${valueText(value)}`]))
    .join(' · ');
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return messageOf(value) ?? (Array.isArray(value) ? value.map(valueText).join(', ') : JSON.stringify(value));
}

function messageOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { message } = value as { message?: unknown };
  return typeof message === 'string' ? message : undefined;
}
