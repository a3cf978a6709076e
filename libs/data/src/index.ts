export { buildTokenFile, type TokenFileOptions } from './corpus/build-token-file';
export type { ByteSource } from './corpus/byte-source';
export { type TokenDType, type TokenFile } from './corpus/token-file';
export {
  type Batch,
  type SampleNumbering,
  sampleNumber,
  type SampleOrder,
  type SampleStart,
  Sampler,
  type SamplerOptions,
} from './sampling/sampler';
export { checkVocab } from './sampling/check-vocab';
export { type DatasetSplit, splitValidation } from './sampling/split-validation';
export { type TokenRange, type TokenReader, TokenStore, type TokenStoreOptions } from './sampling/token-store';
export { type ValidationOptions, ValidationSampler } from './sampling/validation-sampler';
export { encodeInTurns } from './tokenizers/encode-in-turns';
export { tokenizerFromJSON } from './tokenizers/create-tokenizer';
export type { IncrementalEncoder, TokenIds, Tokenizer, TokenizerJson, TokenizerName } from './tokenizers/tokenizer';
