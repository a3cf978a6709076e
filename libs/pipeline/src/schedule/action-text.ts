import { actionMalformed } from '../pipeline.errors';
import { NO_MICRO_BATCH, type Action, type ActionKind } from './action';

// Longer kinds first: "SEND_B" must not be read as a stage followed by an unknown letter.
const PATTERN = /^(\d{1,6})(SEND_F|RECV_F|SEND_B|RECV_B|LOCAL_F|LOCAL_B|REDUCE|STEP|F|I|W|B)(\d{0,6})$/;

/** `2F0` = stage 2, forward, micro-batch 0; `1SEND_F3`; `0STEP`. The grammar of torch.distributed.pipelining. */
export function formatAction(action: Action): string {
  return `${action.stage}${action.kind}${action.microBatch === NO_MICRO_BATCH ? '' : action.microBatch}`;
}

/** Inverse of `formatAction`. Throws PIPELINE.ACTION_MALFORMED. */
export function parseAction(text: string): Action {
  const match = PATTERN.exec(text);
  if (match === null) throw actionMalformed(text);
  const kind = match[2] as ActionKind;
  const number = match[3] ?? '';
  const ofStep = number === '';
  if (kind === 'REDUCE' ? !ofStep : ofStep && kind !== 'STEP') throw actionMalformed(text);
  return { kind, stage: Number(match[1]), microBatch: ofStep ? NO_MICRO_BATCH : Number(number) };
}
