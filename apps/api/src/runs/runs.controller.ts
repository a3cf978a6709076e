import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { type Page, parseRunSpec, type PlanBody, type RunBody, type SubmittedBody } from '@millrace/contracts';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Actor, principalOf } from '../auth/auth.guard';
import { Document, TakesDocument } from '../boundary/http/document.interceptor';
import { parseQuery } from '../boundary/http/parse-query';
import { checkIfMatch } from '../boundary/http/strong-etag';
import { RunLookup } from '../database/run-lookup';
import { runListQuerySchema, RunsService } from './runs.service';

export const submitQuerySchema = z.object({
  dryRun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((text) => text === 'true'),
});

@Controller('api/v1')
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly lookup: RunLookup,
  ) {}

  /** 201 and the run; with `dryRun=true` 200 and the plan, and nothing is stored. */
  @Post('runs')
  @TakesDocument()
  async submit(
    @Document() document: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SubmittedBody | PlanBody> {
    const { dryRun } = parseQuery(submitQuerySchema, request.query);
    const spec = parseRunSpec(document);
    if (!dryRun) return this.runs.submit(spec, principalOf(request));
    response.status(200);
    return this.runs.dryRun(spec);
  }

  @Get('runs')
  list(@Query() query: unknown): Promise<Page<RunBody>> {
    return this.runs.list(parseQuery(runListQuerySchema, query));
  }

  @Get('runs/:id')
  async get(@Param('id') id: string): Promise<RunBody> {
    await this.lookup.assertExists(id);
    return this.runs.get(id);
  }

  @Post('runs/:id\\:cancel')
  @HttpCode(202)
  async cancel(@Param('id') id: string, @Actor() actor: string): Promise<SubmittedBody> {
    await this.lookup.assertExists(id);
    return this.runs.cancel(id, actor);
  }

  @Post('runs/:id\\:pause')
  @HttpCode(202)
  async pause(@Param('id') id: string, @Actor() actor: string): Promise<SubmittedBody> {
    await this.lookup.assertExists(id);
    return this.runs.pause(id, actor);
  }

  @Post('runs/:id\\:resume')
  @HttpCode(202)
  async resume(@Param('id') id: string, @Actor() actor: string): Promise<SubmittedBody> {
    await this.lookup.assertExists(id);
    return this.runs.resume(id, actor);
  }

  @Post('runs/:id\\:checkpoint')
  @HttpCode(202)
  async checkpoint(@Param('id') id: string, @Actor() actor: string): Promise<SubmittedBody> {
    await this.lookup.assertExists(id);
    return this.runs.checkpoint(id, actor);
  }

  @Delete('runs/:id')
  @HttpCode(204)
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: string,
  ): Promise<void> {
    await this.lookup.assertExists(id);
    if (ifMatch !== undefined) checkIfMatch(ifMatch, await this.runs.get(id));
    await this.runs.remove(id, actor);
  }
}
