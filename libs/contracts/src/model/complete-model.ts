import type { ModelSpec } from './model-schema';

type Defaults = Pick<ModelSpec, 'normEps' | 'ropeTheta' | 'ropeScaling'> & { readonly tieEmbeddings: boolean };

export const GPT2_NORM_EPS = 1e-5;

/** The defaults of Hugging Face's configurations. */
const DEFAULTS: Readonly<Record<ModelSpec['family'], Defaults>> = {
  gpt2: { tieEmbeddings: true, normEps: GPT2_NORM_EPS },
  llama: { tieEmbeddings: false, normEps: 1e-6, ropeTheta: 10_000, ropeScaling: 'none' },
};

export interface CompleteModel extends ModelSpec {
  readonly kvHeads: number;
  readonly headSize: number;
  readonly ffn: number;
  readonly tieEmbeddings: boolean;
}

/** Sets the defaults that depend on the model's family or on other fields. */
export function completeModel(model: ModelSpec): CompleteModel {
  const { heads, hidden, kvHeads = heads, headSize = hidden / heads, ffn = 4 * hidden } = model;
  const defaults = DEFAULTS[model.family];
  return {
    ...defaults,
    ...model,
    kvHeads,
    headSize,
    ffn,
    tieEmbeddings: model.tieEmbeddings ?? defaults.tieEmbeddings,
  };
}
