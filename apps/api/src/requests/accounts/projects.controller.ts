import { Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { newProjectSchema, type Page, type ProjectBody, projectChangesSchema } from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Actor } from '../../ground/auth/auth.guard';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { ProjectsService } from './projects.service';

@Controller('api/v1')
export class ProjectsController {
  constructor(private readonly projects: ProjectsService) {}

  @Get('projects')
  list(@Query() query: unknown): Promise<Page<ProjectBody>> {
    return this.projects.list(parseQuery(pageQuerySchema, query));
  }

  @Post('projects')
  @Access('admin', 'accounts')
  @TakesDocument()
  create(@Document() document: unknown, @Actor() actor: string): Promise<ProjectBody> {
    return this.projects.create(parseBody(newProjectSchema, document), actor);
  }

  @Patch('projects/:id')
  @Access('admin', 'accounts')
  @TakesDocument()
  update(@Param('id') id: string, @Document() document: unknown, @Actor() actor: string): Promise<ProjectBody> {
    return this.projects.update(id, parseBody(projectChangesSchema, document), actor);
  }
}
