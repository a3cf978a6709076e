import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { type GeneratedBody, generateRequestSchema } from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Caller } from '../../ground/auth/auth.guard';
import type { Principal } from '../../ground/auth/principal';
import { ProjectAccessService } from '../../ledger/runs/project-access.service';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { CheckpointsService } from '../checkpoints/checkpoints.service';
import { GenerateService } from './generate.service';

@Controller('api/v1')
export class GenerateController {
  constructor(
    private readonly generator: GenerateService,
    private readonly checkpoints: CheckpointsService,
    private readonly projects: ProjectAccessService,
  ) {}

  @Post('checkpoints/:id\\:generate')
  @Access('member', 'data')
  @HttpCode(200)
  @TakesDocument()
  async generate(
    @Param('id') id: string,
    @Document() document: unknown,
    @Caller() caller: Principal,
  ): Promise<GeneratedBody> {
    const request = parseBody(generateRequestSchema, document);
    const { runId } = await this.checkpoints.row(id);
    // An import belongs to no project.
    if (runId !== null) await this.projects.assertMaySteer(caller, runId);
    return this.generator.generate(id, request);
  }
}
