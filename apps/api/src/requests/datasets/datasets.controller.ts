import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { DatasetBody, DatasetPreviewBody, Page } from '@millrace/contracts';
import type { Request } from 'express';
import { z } from 'zod';
import { Access } from '../../ground/auth/access';
import { Actor } from '../../ground/auth/auth.guard';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { checkIfMatch } from '../../ground/http/strong-etag';
import { acceptUpload } from '../../ground/http/upload';
import { ApiConfig } from '../../ground/config/api-config';
import { DatasetPreviewService } from './dataset-preview.service';
import { DatasetsService } from './datasets.service';

export const DATASET_TYPES = ['text/plain', 'application/x-ndjson', 'application/x-tokens-u16'];

export const newDatasetQuerySchema = z.object({
  name: z
    .string({ error: 'is required' })
    .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be 1 to 128 characters of A-Z, a-z, 0-9, ".", "_" and "-"'),
  tokenizer: z.enum(['byte', 'char', 'gpt2'], { error: 'must be byte, char or gpt2' }).optional(),
});

export const previewQuerySchema = z.object({
  /** Index of the first token. */
  offset: z
    .string()
    .regex(/^\d{1,13}$/, 'must be a whole number from 0')
    .transform(Number)
    .default(0),
  tokens: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number from 1 to 4096')
    .transform(Number)
    .pipe(z.int().min(1, 'must be at least 1').max(4096, 'must be at most 4096'))
    .default(256),
});

@Controller('api/v1')
export class DatasetsController {
  constructor(
    private readonly datasets: DatasetsService,
    private readonly previews: DatasetPreviewService,
    private readonly config: ApiConfig,
  ) {}

  @Post('datasets')
  @Access('member', 'data')
  async create(@Query() query: unknown, @Req() request: Request, @Actor() actor: string): Promise<DatasetBody> {
    const contentType = acceptUpload(request, { types: DATASET_TYPES, bytesMax: this.config.uploadBytesMax });
    const { name, tokenizer } = parseQuery(newDatasetQuerySchema, query);
    const contentLength = Number(request.headers['content-length'] ?? 0);
    // A request may fail while nothing reads it, which would end the process if there were no listener. If the upload
    // is refused half-way, the request must stay open: destroying it would destroy the answer too.
    request.on('error', () => undefined);
    const source = request.iterator({ destroyOnReturn: false });
    return this.datasets.create({ name, tokenizer, contentType, contentLength, source, actor });
  }

  @Get('datasets')
  list(@Query() query: unknown): Promise<Page<DatasetBody>> {
    return this.datasets.list(parseQuery(pageQuerySchema, query));
  }

  @Get('datasets/:id')
  get(@Param('id') id: string): Promise<DatasetBody> {
    return this.datasets.get(id);
  }

  @Get('datasets/:id/preview')
  preview(@Param('id') id: string, @Query() query: unknown): Promise<DatasetPreviewBody> {
    const { offset, tokens } = parseQuery(previewQuerySchema, query);
    return this.previews.of(id, { offset, count: tokens });
  }

  @Delete('datasets/:id')
  @Access('admin', 'data')
  @HttpCode(204)
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: string,
  ): Promise<void> {
    if (ifMatch !== undefined) checkIfMatch(ifMatch, await this.datasets.get(id));
    await this.datasets.remove(id, actor);
  }
}
