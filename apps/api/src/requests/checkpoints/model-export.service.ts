import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { encodeHuggingFace, getTensor, huggingFaceBytes, type Manifest, RecentBlocks } from '@millrace/checkpoint';
import { allParameters } from '@millrace/model';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { tensorMissing } from './model-export.errors';

export interface ModelExport {
  readonly bytes: number;
  /** A strong ETag: equal weights and configuration give equal bytes. */
  readonly etag: string;
  /** The file in pieces; only one tensor is in memory at a time. */
  read(): AsyncIterable<Uint8Array>;
}

/** Exports checkpoints as safetensors with Hugging Face names. */
@Injectable()
export class ModelExportService {
  constructor(private readonly blobs: BlobsService) {}

  open(manifest: Manifest): ModelExport {
    const { model, tensors } = manifest;
    const weights = new Map(tensors.filter(({ kind }) => kind === 'weight').map((tensor) => [tensor.name, tensor]));
    const blocks = new RecentBlocks((sha256) => this.blobs.blocks.get(sha256));
    const read = async (name: string): Promise<Float32Array> => {
      const tensor = weights.get(name);
      if (tensor === undefined) throw tensorMissing(name);
      return getTensor(blocks, tensor);
    };
    const parameters = allParameters(model);
    return {
      bytes: huggingFaceBytes(parameters),
      etag: etagOf(manifest),
      read: () => encodeHuggingFace(parameters, read),
    };
  }
}

/** The file is a function of the configuration and the weights' blocks, so that these can be hashed in its place. */
function etagOf({ model, tensors }: Manifest): string {
  const { layers, hidden, ffn, context, vocab, tieEmbeddings } = model;
  const hash = createHash('sha256').update(JSON.stringify([layers, hidden, ffn, context, vocab, tieEmbeddings]));
  const weights = tensors.filter(({ kind }) => kind === 'weight').sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, blocks } of weights)
    hash.update(`\n${name} ${blocks.map(({ sha256, offset = 0 }) => `${sha256}+${offset}`).join(' ')}`);
  return `"${hash.digest('base64url').slice(0, 27)}"`;
}
