import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { newUserSchema, type Page, type UserBody, userChangesSchema } from '@millrace/contracts';
import { Access } from '../../ground/auth/access';
import { Actor } from '../../ground/auth/auth.guard';
import { Document, parseBody, TakesDocument } from '../../ground/documents/document.interceptor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { UsersService } from './users.service';

@Controller('api/v1')
@Access('admin', 'accounts')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get('users')
  list(@Query() query: unknown): Promise<Page<UserBody>> {
    return this.users.list(parseQuery(pageQuerySchema, query));
  }

  @Post('users')
  @TakesDocument()
  create(@Document() document: unknown, @Actor() actor: string): Promise<UserBody> {
    return this.users.create(parseBody(newUserSchema, document), actor);
  }

  @Patch('users/:id')
  @TakesDocument()
  update(@Param('id') id: string, @Document() document: unknown, @Actor() actor: string): Promise<UserBody> {
    return this.users.update(id, parseBody(userChangesSchema, document), actor);
  }

  @Delete('users/:id')
  @HttpCode(204)
  remove(@Param('id') id: string, @Actor() actor: string): Promise<void> {
    return this.users.remove(id, actor);
  }
}
