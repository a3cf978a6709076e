/**
 * What one stage executes: `layerCount` blocks from `firstLayer` on, with the embedding before and the head after them.
 */
export interface StageSlice {
  readonly firstLayer: number;
  readonly layerCount: number;
  readonly embedding: boolean;
  readonly head: boolean;
}
