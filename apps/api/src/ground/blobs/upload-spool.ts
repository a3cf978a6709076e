import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { AppError } from '@millrace/core';
import type { Request } from 'express';
import { bodyBroken, bodyTooLarge } from '../http/boundary.errors';
import { ApiConfig } from '../config/api-config';
import { BlobsService } from './blobs.service';
import { withinRoom } from './upload-room';

/** Stores bodies that must be on the disk as a whole before they can be read. */
@Injectable()
export class UploadSpool {
  constructor(
    private readonly blobs: BlobsService,
    private readonly config: ApiConfig,
  ) {}

  /**
   * Calls `work` with the path of the body's file, which is deleted afterwards.
   * @throws AppError API.BODY_TOO_LARGE, API.BODY_BROKEN, BLOB.DISK_FULL
   */
  async withUpload<T>(source: Request, id: string, work: (path: string) => Promise<T>): Promise<T> {
    const path = this.blobs.uploadPath(id);
    try {
      await this.receive(source, path);
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  private async receive(source: Request, path: string): Promise<void> {
    // A request may fail while nothing reads it; without a listener that would end the process.
    source.on('error', () => undefined);
    try {
      const body = withinRoom(limited(source, this.config.uploadBytesMax), undefined, this.blobs);
      await pipeline(body, createWriteStream(path, { mode: 0o600 }));
    } catch (error) {
      // A body that was refused has not broken off, although Node may have destroyed both by now.
      const broken = !(error instanceof AppError) && (source.errored !== null || source.destroyed);
      throw broken ? bodyBroken(error) : error;
    }
  }
}

async function* limited(source: Request, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  // The request stays open when it is refused half-way: destroying it would destroy the answer too.
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw bodyTooLarge(bytesMax);
    yield chunk;
  }
}
