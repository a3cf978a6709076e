import { Injectable } from '@nestjs/common';
import type { ManifestDocument } from '@millrace/contracts';
import { type ModelConfig, newId } from '@millrace/core';
import { familyOf } from '@millrace/model';
import type { Request } from 'express';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { UploadSpool } from '../../ground/blobs/upload-spool';
import { BlockHoldsRepository } from '../../ledger/blocks/block-holds.repository';
import { headsImpossible } from './checkpoints.errors';
import { CheckpointsService } from './checkpoints.service';
import { ModelFilesService } from './model-files.service';

/**
 * The collector leaves an import's blocks alone for this long; by then they are referenced, or the import has failed.
 */
const HOLD_MS = 3_600_000;

export interface ModelImport {
  readonly source: Request;
  readonly heads: number | undefined;
  readonly actor: string;
}

/** Turns Hugging Face safetensors into checkpoints of step 0 that belong to no run. */
@Injectable()
export class ModelImportService {
  constructor(
    private readonly checkpoints: CheckpointsService,
    private readonly holds: BlockHoldsRepository,
    private readonly blobs: BlobsService,
    private readonly spool: UploadSpool,
    private readonly files: ModelFilesService,
  ) {}

  /**
   * @returns the checkpoint's id. Throws API.BODY_TOO_LARGE, BLOB.DISK_FULL, CHECKPOINT.HEADS_IMPOSSIBLE and the errors
   * of importHuggingFace.
   */
  async import({ source, heads, actor }: ModelImport): Promise<{ id: string }> {
    const id = newId('ckpt');
    // There must be room for the upload and, beside it, its blocks.
    await this.blobs.assertRoomFor(2 * Number(source.headers['content-length'] ?? 0));
    await this.spool.withUpload(source, id, async (path) => {
      try {
        const manifest = await this.store(id, path, heads);
        await this.checkpoints.publishImported(id, manifest, actor);
      } finally {
        await this.files.close(path);
      }
    });
    return { id };
  }

  private async store(id: string, path: string, heads: number | undefined): Promise<ManifestDocument> {
    const model = await this.files.describe(path, heads);
    if (heads !== undefined && !model.fitsHeads) throw headsImpossible(heads, model.config.hidden);
    const tensors: ManifestDocument['tensors'] = [];
    for (const { name, shape } of model.tensors) {
      const blocks: ManifestDocument['tensors'][number]['blocks'] = [];
      for await (const { sha256, bytes } of this.files.blocks(path, { name, shape })) {
        blocks.push({ sha256, bytes: bytes.length });
        await this.holds.hold({ owner: id, fence: 0 }, [sha256], HOLD_MS);
        // The upload may not have told its length, and others store files at the same time.
        await this.blobs.assertRoomFor(bytes.length);
        await this.blobs.blocks.put(sha256, bytes);
      }
      tensors.push({ name, kind: 'weight', dtype: 'f32', shape: [...shape], blocks });
    }
    const tieEmbeddings = model.config.tieEmbeddings || headIsEmbedding(tensors, model.config);
    return {
      version: 1,
      runId: '',
      step: 0,
      model: { ...model.config, tieEmbeddings },
      ...(heads === undefined ? {} : { headsGiven: true }),
      rng: { seed: 0 },
      dataPosition: { samples: 0 },
      optimizer: null,
      tensors,
    };
  }
}

/**
 * Some programs write a tied head a second time. Such a model counts as tied; the copy stays for a run that unties the
 * head. It costs no space, since its blocks are those of the embedding.
 */
function headIsEmbedding(tensors: ManifestDocument['tensors'], config: ModelConfig): boolean {
  const { headWeight, tokenEmbedding } = familyOf(config).parameters;
  const blocksOf = (wanted: string): string | undefined => {
    const found = tensors.find(({ name }) => name === wanted);
    return found && JSON.stringify(found.blocks);
  };
  const head = blocksOf(headWeight);
  return head !== undefined && head === blocksOf(tokenEmbedding);
}
