import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  type BriefRunBody,
  type ListedRunBody,
  type Page,
  parseRunSpec,
  type PlanBody,
  type RunBody,
  type SubmittedBody,
} from '@millrace/contracts';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ProjectAccessService } from '../../ledger/runs/project-access.service';
import { Access } from '../../ground/auth/access';
import { Caller, callerOf } from '../../ground/auth/auth.guard';
import type { Principal } from '../../ground/auth/principal';
import { Document, TakesDocument } from '../../ground/documents/document.interceptor';
import { parseQuery } from '../../ground/http/parse-query';
import { checkIfMatch } from '../../ground/http/strong-etag';
import { RunLookup } from '../../ledger/runs/run-lookup';
import { DryRunService } from './dry-run.service';
import { RunActionsService } from './run-actions.service';
import { RunRemovalService } from './run-removal.service';
import { runListQuerySchema, RunsService } from './runs.service';

export const submitQuerySchema = z.object({
  dryRun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((text) => text === 'true'),
});

/** `brief` has what a table of thousands of runs shows; `full` is the default. */
export const runsQuerySchema = runListQuerySchema.extend({
  view: z
    .enum(['full', 'brief'], { error: 'must be full or brief' })
    .default('full')
    .describe('brief: without specs and attempts, which are most of a list'),
});

@Controller('api/v1')
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly dryRuns: DryRunService,
    private readonly actions: RunActionsService,
    private readonly removal: RunRemovalService,
    private readonly lookup: RunLookup,
    private readonly access: ProjectAccessService,
  ) {}

  /** Answers 201 and the run; with `dryRun=true` 200 and the plan, in which case nothing is stored. */
  @Post('runs')
  @Access('member', 'runs')
  @TakesDocument()
  async submit(
    @Document() document: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SubmittedBody | PlanBody> {
    const { dryRun } = parseQuery(submitQuerySchema, request.query);
    const spec = parseRunSpec(document);
    const caller = callerOf(request);
    await this.access.assertMember(caller, spec.project);
    if (!dryRun) return this.runs.submit(spec, caller.tokenId);
    response.status(200);
    return this.dryRuns.plan(spec);
  }

  @Get('runs')
  list(@Query() given: unknown): Promise<Page<ListedRunBody> | Page<BriefRunBody>> {
    const { view, ...query } = parseQuery(runsQuerySchema, given);
    return view === 'brief' ? this.runs.briefs(query) : this.runs.list(query);
  }

  @Get('runs/:id')
  async get(@Param('id') id: string): Promise<RunBody> {
    await this.lookup.assertExists(id);
    return this.runs.get(id);
  }

  @Post('runs/:id\\:cancel')
  @Access('member', 'runs')
  @HttpCode(202)
  async cancel(@Param('id') id: string, @Caller() caller: Principal): Promise<SubmittedBody> {
    await this.access.assertMaySteer(caller, id);
    return this.actions.cancel(id, caller.tokenId);
  }

  @Post('runs/:id\\:pause')
  @Access('member', 'runs')
  @HttpCode(202)
  async pause(@Param('id') id: string, @Caller() caller: Principal): Promise<SubmittedBody> {
    await this.access.assertMaySteer(caller, id);
    return this.actions.pause(id, caller.tokenId);
  }

  @Post('runs/:id\\:resume')
  @Access('member', 'runs')
  @HttpCode(202)
  async resume(@Param('id') id: string, @Caller() caller: Principal): Promise<SubmittedBody> {
    await this.access.assertMaySteer(caller, id);
    return this.actions.resume(id, caller.tokenId);
  }

  @Post('runs/:id\\:checkpoint')
  @Access('member', 'runs')
  @HttpCode(202)
  async checkpoint(@Param('id') id: string, @Caller() caller: Principal): Promise<SubmittedBody> {
    await this.access.assertMaySteer(caller, id);
    return this.actions.checkpoint(id, caller.tokenId);
  }

  @Delete('runs/:id')
  @Access('member', 'runs')
  @HttpCode(204)
  async remove(
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Caller() caller: Principal,
  ): Promise<void> {
    await this.access.assertMaySteer(caller, id);
    if (ifMatch !== undefined) checkIfMatch(ifMatch, await this.runs.get(id));
    await this.removal.remove(id, caller.tokenId);
  }
}
