import { pipeline } from 'node:stream/promises';
import { Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { CheckpointBody, Page } from '@millrace/contracts';
import { describeError, type Logger } from '@millrace/core';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ProjectAccessService } from '../../ledger/runs/project-access.service';
import { Access } from '../../ground/auth/access';
import { roleForbidden } from '../../ground/auth/auth.errors';
import { Actor, Caller } from '../../ground/auth/auth.guard';
import type { Principal } from '../../ground/auth/principal';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { checkIfMatch } from '../../ground/http/strong-etag';
import { acceptUpload } from '../../ground/http/upload';
import { ApiConfig } from '../../ground/config/api-config';
import { LOGGER } from '../../ground/config/api-logger';
import { RunLookup } from '../../ledger/runs/run-lookup';
import { manifestOf } from './checkpoints.repository';
import { CheckpointsService } from './checkpoints.service';
import { ModelExportService } from './model-export.service';
import { ModelImportService } from './model-import.service';

export const importQuerySchema = z.object({
  /**
   * The number of heads, which the file does not tell. If it is given, it holds for generating and for runs. Without it
   * a run may have any number, and generating assumes heads of size 64, or a single one.
   */
  heads: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be a whole number from 1')
    .transform(Number)
    .optional(),
});

@Controller('api/v1')
export class CheckpointsController {
  constructor(
    private readonly checkpoints: CheckpointsService,
    private readonly exports: ModelExportService,
    private readonly imports: ModelImportService,
    private readonly runs: RunLookup,
    private readonly access: ProjectAccessService,
    private readonly config: ApiConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('runs/:id/checkpoints')
  async listOfRun(@Param('id') runId: string, @Query() query: unknown): Promise<Page<CheckpointBody>> {
    const page = parseQuery(pageQuerySchema, query);
    await this.runs.assertExists(runId);
    return this.checkpoints.listOfRun(runId, page);
  }

  @Post('checkpoints\\:import')
  @Access('member', 'data')
  async import(@Query() query: unknown, @Req() source: Request, @Actor() actor: string): Promise<{ id: string }> {
    acceptUpload(source, { types: ['application/octet-stream'], bytesMax: this.config.uploadBytesMax });
    return this.imports.import({ source, heads: parseQuery(importQuerySchema, query).heads, actor });
  }

  @Get('checkpoints/:id')
  get(@Param('id') id: string): Promise<CheckpointBody> {
    return this.checkpoints.get(id);
  }

  @Get('checkpoints/:id/model.safetensors')
  async export(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const model = this.exports.open(manifestOf(await this.checkpoints.row(id)));
    response.setHeader('ETag', model.etag);
    response.setHeader('Content-Disposition', 'attachment; filename="model.safetensors"');
    if (request.fresh) return void response.status(304).end();
    response.type('application/octet-stream').setHeader('Content-Length', model.bytes);
    if (request.method === 'HEAD') return void response.end();
    try {
      await pipeline(model.read(), response);
    } catch (error) {
      // It is too late for a problem document; by the Content-Length the client sees that the file is not complete.
      if (!request.destroyed)
        this.logger.error({ checkpoint: id, reason: describeError(error) }, 'export was cut short');
      response.destroy();
    }
  }

  /** A checkpoint that belongs to no run, because it was imported, can be deleted only by an admin. */
  @Delete('checkpoints/:id')
  @Access('member', 'data')
  @HttpCode(204)
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: Principal,
  ): Promise<void> {
    const { runId } = await this.checkpoints.get(id);
    if (runId !== null) await this.access.assertMaySteer(caller, runId);
    else if (caller.role !== 'admin') throw roleForbidden(caller.role, 'admin');
    if (ifMatch !== undefined) checkIfMatch(ifMatch, await this.checkpoints.get(id));
    await this.checkpoints.remove(id, caller.tokenId);
  }
}
