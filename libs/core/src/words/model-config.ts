/** A model as an attempt trains it and a checkpoint holds it: every size is a number. */
export interface ModelConfig {
  readonly family: 'gpt2';
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly context: number;
  readonly vocab: number;
  readonly tieEmbeddings: boolean;
}
