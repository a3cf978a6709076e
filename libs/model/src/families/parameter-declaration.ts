import type { Shape } from '@millrace/tensor';

/** The initial values of a parameter: one number, or a normal distribution around 0. */
export type InitialValues =
  { readonly kind: 'constant'; readonly value: number } | { readonly kind: 'normal'; readonly deviation: number };

/** A trained tensor, by its Hugging Face name. */
export interface ParameterDeclaration {
  readonly name: string;
  readonly shape: Shape;
  /** Whether AdamW decays it, which it does to tensors of two or more dimensions. */
  readonly decay: boolean;
  readonly initial: InitialValues;
  /** Whether it has a row for each position, of which a shorter window takes the first ones. */
  readonly rowPerPosition?: true;
}

export const ONES: InitialValues = { kind: 'constant', value: 1 };
export const ZEROS: InitialValues = { kind: 'constant', value: 0 };

export function normal(deviation: number): InitialValues {
  return { kind: 'normal', deviation };
}

export function declareParameter(name: string, shape: Shape, initial: InitialValues): ParameterDeclaration {
  return { name, shape, decay: shape.length >= 2, initial };
}
