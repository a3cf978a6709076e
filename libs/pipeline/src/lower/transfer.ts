import type { Action } from '../schedule/action';

/** One tensor that moves between two stages, seen from either end. */
export interface Transfer {
  /** Equal for the SEND and its RECV, and different for every other pair. */
  readonly key: string;
  /** The queue that the tensor travels on, which is given by direction and stages. */
  readonly channel: string;
  readonly isSend: boolean;
  readonly fromStage: number;
  readonly toStage: number;
}

/** What a send or receive moves; undefined for any other action. The other end may be a stage that does not exist. */
export function transferOf(action: Action): Transfer | undefined {
  switch (action.kind) {
    case 'SEND_F':
      return transfer(action, action.stage, action.stage + 1);
    case 'RECV_F':
      return transfer(action, action.stage - 1, action.stage);
    case 'SEND_B':
      return transfer(action, action.stage, action.stage - 1);
    case 'RECV_B':
      return transfer(action, action.stage + 1, action.stage);
    default:
      return undefined;
  }
}

/** The action that makes the tensor, or needs it, on a stage at either end: F for activations, I for gradients. */
export function computeAt({ kind, microBatch }: Action, stage: number): Action {
  return { kind: kind === 'SEND_F' || kind === 'RECV_F' ? 'F' : 'I', stage, microBatch };
}

function transfer(action: Action, fromStage: number, toStage: number): Transfer {
  const channel = `${fromStage}>${toStage}`;
  const isSend = action.stage === fromStage;
  return { key: `${channel}#${action.microBatch}`, channel, isSend, fromStage, toStage };
}
