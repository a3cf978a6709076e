import { Controller, Get, Query } from '@nestjs/common';
import type { AuditEntryBody, Page } from '@millrace/contracts';
import { z } from 'zod';
import { Access } from '../../ground/auth/access';
import { decodeCursor, encodeCursor, nextCursor } from '../../ground/http/cursor';
import { pageQuerySchema, parseQuery } from '../../ground/http/parse-query';
import { AuditRepository } from '../../ground/audit/audit.repository';

const filter = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.includes('\0'), 'has a NUL')
  .optional();
export const auditQuerySchema = pageQuerySchema.extend({ actor: filter, action: filter });
const cursorSchema = z.tuple([z.string().regex(/^\d{1,18}$/)]);

@Controller('api/v1')
export class AuditController {
  constructor(private readonly audit: AuditRepository) {}

  @Get('audit')
  @Access('admin', 'accounts')
  async list(@Query() query: unknown): Promise<Page<AuditEntryBody>> {
    const { limit, cursor, actor, action } = parseQuery(auditQuerySchema, query);
    const before = cursor === undefined ? undefined : BigInt(decodeCursor(cursor, cursorSchema)[0]);
    const rows = await this.audit.page(limit + 1, { actor, action, before });
    const items = rows.slice(0, limit);
    return { items, nextCursor: nextCursor(rows, limit, ({ id }) => encodeCursor([id])) };
  }
}
