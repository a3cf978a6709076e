import type { Shape } from '@millrace/tensor';
import { type RotarySettings, rotaryTable } from './rope/rotary-table';

/** The content of a constant tensor, as data. */
export interface ConstantContent {
  /** The table of rope_forward, [T, D]. */
  readonly rotary: RotarySettings;
}

/** The values of a constant tensor of this shape. */
export function constantValues({ rotary }: ConstantContent, shape: Shape): Float64Array {
  return rotaryTable(shape[0] as number, rotary);
}
