export type { BlockStore, StoredBlock } from './blocks/block-store';
export { FileBlockStore, type FileBlockStoreOptions } from './blocks/file-block-store';
export { findGarbage, type GarbageInput } from './blocks/find-garbage';
export {
  type Block,
  BLOCK_BYTES,
  blockReferences,
  getTensor,
  joinBlocks,
  putTensor,
  splitBlocks,
} from './blocks/split-blocks';
export {
  encodeHuggingFace,
  exportHuggingFace,
  huggingFaceBytes,
  type ReadTensor,
} from './huggingface/export-hugging-face';
export { checkGpt2Tensors, type Gpt2Sizes, gpt2Tensors, type NamedShape } from './huggingface/gpt2-tensors';
export { importHuggingFace, type ImportedModel } from './huggingface/import-hugging-face';
export { canonicalJson, type JsonObject, type JsonValue } from './manifest/canonical-json';
export type { BlockReference, Manifest, ManifestModel, ManifestTensor, TensorKind } from './manifest/manifest';
export { manifestBytes, manifestDigest, parseManifest } from './manifest/parse-manifest';
export { type SafetensorsDType, type SafetensorsEntry, type SafetensorsHeader } from './safetensors/header';
export { fileAccess, memoryAccess, type RandomAccess } from './safetensors/random-access';
export { SafetensorsFile } from './safetensors/safetensors-file';
export {
  type ByteSink,
  encodeSafetensors,
  type Metadata,
  safetensorsBytes,
  type TensorToWrite,
  writeSafetensors,
} from './safetensors/write-safetensors';
