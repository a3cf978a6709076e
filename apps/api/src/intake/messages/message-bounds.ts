import { type AgentMessageBody, type agentV1, CHOICES_MAX, INT4_MAX, SENTENCE_LENGTH_MAX } from '@millrace/contracts';
import { messageInvalid } from '../../ledger/sessions/sessions.errors';
import { RUNNING_MAX } from '../sessions/registration';

/** The largest distance of a JavaScript date from 1970; Postgres allows more. */
const TIME_MS_MAX = 8.64e15;
const ID_LENGTH_MAX = 200;
const NAME_LENGTH_MAX = 128;
/** An agent puts about a thousand points or lines into a batch: these bounds are for one that does not. */
const POINTS_MAX = 100_000;
const LINES_MAX = 10_000;
const TOKENS_MAX = 1_000_000;

/**
 * Makes the sentences in a message storable: what a rank says when it fails must not be lost because of how it says it.
 */
export function withPlainSentences(message: AgentMessageBody): AgentMessageBody {
  switch (message.$case) {
    case 'attempt': {
      const { errorCode, errorMessage } = message.value;
      const plain = { errorCode: plainText(errorCode, ID_LENGTH_MAX), errorMessage: sentence(errorMessage) };
      return { $case: 'attempt', value: { ...message.value, ...plain } };
    }
    case 'commandResult': {
      const { errorCode, errorMessage } = message.value;
      const plain = { errorCode: plainText(errorCode, ID_LENGTH_MAX), errorMessage: sentence(errorMessage) };
      return { $case: 'commandResult', value: { ...message.value, ...plain } };
    }
    case 'checkpoint':
      return { $case: 'checkpoint', value: { ...message.value, errorMessage: sentence(message.value.errorMessage) } };
    case 'layerProfile':
      return { $case: 'layerProfile', value: { ...message.value, errorMessage: sentence(message.value.errorMessage) } };
    case 'generateOutput':
      return {
        $case: 'generateOutput',
        value: { ...message.value, errorMessage: sentence(message.value.errorMessage) },
      };
    case 'logs': {
      const lines = message.value.lines.map((line) => ({ ...line, text: sentence(line.text) }));
      return { $case: 'logs', value: { ...message.value, lines } };
    }
    default:
      return message;
  }
}

const sentence = (text: string): string => plainText(text, SENTENCE_LENGTH_MAX);

/**
 * Makes a text storable: Postgres stores no NUL, and half a surrogate pair, which cutting may leave, is not valid text.
 */
function plainText(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}

/**
 * Refuses a message with values that could not be stored, or that are unbounded: the agent would otherwise send it
 * again in every session. @throws AppError SESSION.MESSAGE_INVALID
 */
export function assertWithinBounds(message: AgentMessageBody): void {
  switch (message.$case) {
    case 'metrics':
      return metrics(message.value);
    case 'logs':
      return logs(message.value);
    case 'trace':
      attempt(message.value);
      whole('step', message.value.step);
      return whole('rank', message.value.rank);
    case 'stageWaiting':
      attempt(message.value);
      return whole('rank', message.value.rank);
    case 'attempt':
      attempt(message.value);
      text('state', message.value.state, NAME_LENGTH_MAX);
      text('failure_class', message.value.failureClass, NAME_LENGTH_MAX);
      text('phase', message.value.phase, NAME_LENGTH_MAX);
      return whole('step', message.value.step);
    case 'checkpoint':
      attempt(message.value);
      text('state', message.value.state, NAME_LENGTH_MAX);
      whole('step', message.value.step);
      return whole('rank', message.value.rank);
    case 'linkMeasured':
      attempt(message.value);
      return whole('to_rank', message.value.toRank);
    case 'kernelChoices':
      attempt(message.value);
      return atMost('choices', message.value.choices.length, CHOICES_MAX);
    case 'commandResult':
    case 'layerProfile':
      return text('command_id', message.value.commandId, 2 * ID_LENGTH_MAX);
    case 'generateOutput':
      text('task_id', message.value.taskId, ID_LENGTH_MAX);
      return atMost('tokens', message.value.tokens.length, TOKENS_MAX);
    case 'heartbeat':
      return running(message.value.running);
    // Registrations and telemetry are checked by parsers of their own.
    case 'register':
    case 'telemetry':
      return;
    default:
      message satisfies never;
  }
}

function metrics({ points, ...rest }: agentV1.MetricBatch): void {
  attempt(rest);
  atMost('points', points.length, POINTS_MAX);
  for (const [index, { name, step, timeMs }] of points.entries()) {
    text(`points.${index}.name`, name, NAME_LENGTH_MAX);
    whole(`points.${index}.step`, step);
    time(`points.${index}.time_ms`, timeMs);
  }
}

function logs({ lines, ...rest }: agentV1.LogBatch): void {
  attempt(rest);
  atMost('lines', lines.length, LINES_MAX);
  for (const [index, line] of lines.entries()) {
    text(`lines.${index}.level`, line.level, NAME_LENGTH_MAX);
    time(`lines.${index}.time_ms`, line.timeMs);
  }
}

function running(attempts: readonly agentV1.RunningAttempt[]): void {
  atMost('running', attempts.length, RUNNING_MAX);
  for (const [index, each] of attempts.entries()) {
    attempt(each);
    time(`running.${index}.thread_silent_ms`, each.threadSilentMs);
  }
}

function attempt({ runId, fence }: { readonly runId: string; readonly fence: number }): void {
  text('run_id', runId, ID_LENGTH_MAX);
  whole('fence', fence);
}

function text(field: string, value: string, lengthMax: number): void {
  if (value.length > lengthMax) throw messageInvalid(field, `has ${value.length} characters, more than ${lengthMax}`);
  if (value.includes('\0')) throw messageInvalid(field, 'has a NUL, which cannot be stored');
}

function whole(field: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > INT4_MAX)
    throw messageInvalid(field, `is ${value}, not a whole number from 0 to ${INT4_MAX}`);
}

function time(field: string, value: number): void {
  if (!(Math.abs(value) <= TIME_MS_MAX)) throw messageInvalid(field, `is ${value}, not a time in milliseconds`);
}

function atMost(field: string, count: number, countMax: number): void {
  if (count > countMax) throw messageInvalid(field, `has ${count} entries, more than ${countMax}`);
}
