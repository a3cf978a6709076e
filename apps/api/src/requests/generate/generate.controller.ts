import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { type GeneratedBody, generateRequestSchema } from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { CheckpointsService } from '../checkpoints/checkpoints.service';
import { GenerateService } from './generate.service';

@Controller('api/v1')
export class GenerateController {
  constructor(
    private readonly generator: GenerateService,
    private readonly checkpoints: CheckpointsService,
  ) {}

  @Post('checkpoints/:id\\:generate')
  @Access('member', 'data')
  @HttpCode(200)
  @TakesDocument()
  async generate(@Param('id') id: string, @Document() document: unknown): Promise<GeneratedBody> {
    const request = parseBody(generateRequestSchema, document);
    await this.checkpoints.row(id);
    return this.generator.generate(id, request);
  }
}
