import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { AgentBody, Page } from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Actor } from '../../ground/auth/auth.guard';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { agentNotFound } from '../../ledger/agents/agents.errors';
import { AgentsService } from './agents.service';

@Controller('api/v1')
export class AgentsController {
  constructor(private readonly agents: AgentsService) {}

  @Get('agents')
  list(@Query() query: unknown): Promise<Page<AgentBody>> {
    return this.agents.list(parseQuery(pageQuerySchema, query));
  }

  @Get('agents/:id')
  async get(@Param('id') id: string): Promise<AgentBody> {
    return this.agents.get(storable(id));
  }

  @Post('agents/:id\\:drain')
  @Access('admin', 'agents')
  @HttpCode(200)
  async drain(@Param('id') id: string, @Actor() actor: string): Promise<AgentBody> {
    return this.agents.drain(storable(id), actor);
  }

  @Post('agents/:id\\:undrain')
  @Access('admin', 'agents')
  @HttpCode(200)
  async undrain(@Param('id') id: string, @Actor() actor: string): Promise<AgentBody> {
    return this.agents.undrain(storable(id), actor);
  }
}

/** Postgres refuses NUL in text, and no id contains one. */
function storable(id: string): string {
  if (id.includes('\0')) throw agentNotFound(id);
  return id;
}
