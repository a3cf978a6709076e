/** How rotary frequencies are changed for contexts beyond those a model was trained on. */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContext: number;
    };

/** A model as an attempt trains it and a checkpoint holds it: every size is a number. */
export interface ModelConfig {
  /** The name of a family of libs/model, where `familyOf` finds it. */
  readonly family: string;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly context: number;
  readonly vocab: number;
  readonly tieEmbeddings: boolean;
  /** Key and value heads, each of which heads / kvHeads query heads share; by default as many as heads. */
  readonly kvHeads?: number | undefined;
  /** By default hidden / heads. */
  readonly headSize?: number | undefined;
  /** The number that is added under the root of a norm; by default the family's. */
  readonly normEps?: number | undefined;
  /** The base of the rotary frequencies, for a family with rotary positions. */
  readonly ropeTheta?: number | undefined;
  readonly ropeScaling?: RopeScaling | undefined;
  /** In training, the probability with which an element of the residual stream's branches is dropped; by default 0. */
  readonly dropout?: number | undefined;
}
