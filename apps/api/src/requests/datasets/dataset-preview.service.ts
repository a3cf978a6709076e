import { open } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import type { DatasetPreviewBody } from '@millrace/contracts';
import { tokenizerFromJSON } from '@millrace/data';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { datasetFileUnreadable, datasetNotFound } from '../../ledger/datasets/datasets.errors';
import { type DatasetRow, DatasetsRepository } from '../../ledger/datasets/datasets.repository';

export interface TokenSlice {
  /** Index of the first token. */
  readonly offset: number;
  readonly count: number;
}

/** Shows a part of a dataset as tokens and as text. */
@Injectable()
export class DatasetPreviewService {
  constructor(
    private readonly datasets: DatasetsRepository,
    private readonly blobs: BlobsService,
  ) {}

  /** Past the end there are fewer tokens, or none. @throws AppError DATASET.NOT_FOUND, DATASET.FILE_UNREADABLE */
  async of(id: string, slice: TokenSlice): Promise<DatasetPreviewBody> {
    const dataset = await this.datasets.find(id);
    if (dataset === null) throw datasetNotFound(id);
    const tokens = await this.tokens(dataset, slice);
    const tokenizer = tokenizerFromJSON(dataset.tokenizer);
    if (tokenizer.name === 'tokens') return { tokens, text: null, pieces: null };
    return { tokens, text: tokenizer.decode(tokens), pieces: tokens.map((token) => tokenizer.decode([token])) };
  }

  private async tokens({ id, sha256, dtype }: DatasetRow, { offset, count }: TokenSlice): Promise<number[]> {
    const width = dtype === 'u16' ? 2 : 4;
    const buffer = Buffer.alloc(count * width);
    try {
      const bytesRead = await readAt(this.blobs.datasetPath(sha256), buffer, offset * width);
      return Array.from({ length: Math.floor(bytesRead / width) }, (_, index) =>
        width === 2 ? buffer.readUInt16LE(index * width) : buffer.readUInt32LE(index * width),
      );
    } catch (cause) {
      throw datasetFileUnreadable(id, cause);
    }
  }
}

/** @returns how many bytes were read */
async function readAt(path: string, buffer: Buffer, position: number): Promise<number> {
  const file = await open(path);
  try {
    return (await file.read(buffer, 0, buffer.length, position)).bytesRead;
  } finally {
    await file.close();
  }
}
