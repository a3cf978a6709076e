import type { ProgramStep } from '@millrace/kernels';
import type { BlockPlaces, Place } from './place';

export interface NormInputGradient {
  readonly x_NC: string;
  readonly dy_NC: string;
  /** The gradient that reaches x past the norm, which is added. */
  readonly residual_NC?: string;
  readonly dx_NC: string;
}

/** Where a norm writes: its output, and what the backward needs of its rows. */
export interface NormPlaces {
  readonly output: Place;
  readonly statistics: Place;
}

/** The places of a norm that is called `name`, all in one place or as the parts of a block are. */
export function normPlaces(place: Place | BlockPlaces, name: string): NormPlaces {
  const named = ({ label, role }: Place): Place => ({ label: `${label}.${name}`, role });
  if ('role' in place) return { output: named(place), statistics: named(place) };
  return { output: named(place.derived), statistics: named(place.weight) };
}

/** A norm over the rows of a tensor, with the tensors that its forward writes. */
export interface Norm {
  /** The normalised rows. */
  readonly y_NC: string;
  forward(x_NC: string): ProgramStep;
  backwardInput(gradient: NormInputGradient): ProgramStep;
  /** Adds the gradients of the norm's parameters to what is there. */
  backwardWeight(gradient: Pick<NormInputGradient, 'x_NC' | 'dy_NC'>): ProgramStep;
}
