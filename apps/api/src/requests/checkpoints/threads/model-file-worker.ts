import {
  type Block,
  BLOCK_BYTES,
  fileAccess,
  type ImportedModel,
  importHuggingFace,
  type RandomAccess,
  splitBlocks,
} from '@millrace/checkpoint';
import type { ModelConfig } from '@millrace/core';
import { allParameters, MODEL_FAMILIES } from '@millrace/model';
import { serveWork } from '../../../ground/concurrency/serve-work';

/** What can be asked of a safetensors file on the disk: to describe it, to read a block of a tensor, or to close it. */
export type ModelFileTask =
  | { readonly operation: 'describe'; readonly path: string; readonly heads: number | undefined }
  | { readonly operation: 'close'; readonly path: string }
  | { readonly operation: 'block'; readonly path: string; readonly tensor: string; readonly index: number };

export interface ModelDescription extends Pick<ImportedModel, 'tensors'> {
  /** Has the heads that were asked for, if the model can have so many. */
  readonly config: ModelConfig;
  readonly fitsHeads: boolean;
}

export type ModelFileAnswer = ModelDescription | Block | undefined;

interface OpenModel {
  readonly file: RandomAccess & { close(): Promise<void> };
  readonly model: ImportedModel;
}

/**
 * So many imports may go on at the same time; with one more, the oldest file is closed and opened again when it is
 * needed.
 */
const OPEN_MAX = 8;
const FLOAT_BYTES = 4;
const FAMILIES = { families: MODEL_FAMILIES, parametersOf: allParameters };

const openModels = new Map<string, OpenModel>();

serveWork(
  async (task: ModelFileTask): Promise<ModelFileAnswer> => {
    if (task.operation === 'close') return close(task.path);
    const { model } = openModels.get(task.path) ?? (await open(task.path));
    if (task.operation === 'describe') return description(model, task.heads);
    const count = BLOCK_BYTES / FLOAT_BYTES;
    const values = await model.read(task.tensor, { from: task.index * count, count });
    return splitBlocks(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))[0];
  },
  (answer) => (answer !== undefined && 'bytes' in answer ? [answer.bytes.buffer as ArrayBuffer] : []),
);

function description({ config, fitsHeads, tensors }: ImportedModel, heads: number | undefined): ModelDescription {
  const fits = heads === undefined || fitsHeads(heads);
  return { config: config(fits ? heads : undefined), fitsHeads: fits, tensors };
}

async function open(path: string): Promise<OpenModel> {
  const [oldest] = openModels.keys();
  if (oldest !== undefined && openModels.size >= OPEN_MAX) await close(oldest);
  const file = await fileAccess(path);
  try {
    const opened = { file, model: await importHuggingFace(file, FAMILIES) };
    openModels.set(path, opened);
    return opened;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function close(path: string): Promise<undefined> {
  const opened = openModels.get(path);
  openModels.delete(path);
  await opened?.file.close();
  return undefined;
}
