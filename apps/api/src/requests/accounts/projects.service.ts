import { Injectable } from '@nestjs/common';
import type { NewProject, Page, ProjectBody, ProjectChanges } from '@millrace/contracts';
import { AuditRepository } from '../../ground/audit/audit.repository';
import { TokensService } from '../../ground/auth/tokens.service';
import { createdKeySchema, decodeCursor, encodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { memberUnknown, projectNotFound } from '../../ground/accounts/accounts.errors';
import { ProjectsRepository } from '../../ground/accounts/projects.repository';
import { UsersRepository } from '../../ground/accounts/users.repository';
import { willAnswer } from '../idempotency/guarded-request';

/** Projects, whose members steer the runs in them. */
@Injectable()
export class ProjectsService {
  constructor(
    private readonly projects: ProjectsRepository,
    private readonly users: UsersRepository,
    private readonly audit: AuditRepository,
    private readonly tokens: TokensService,
    private readonly prisma: PrismaService,
  ) {}

  async list({ limit, cursor }: PageRequest): Promise<Page<ProjectBody>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, createdKeySchema);
    const rows = await this.projects.list(limit + 1, key && { createdAt: new Date(key[0]), id: key[1] });
    const items = rows.slice(0, limit);
    return { items, nextCursor: nextCursor(rows, limit, ({ createdAt, id }) => encodeCursor([createdAt, id])) };
  }

  /** @throws AppError PROJECT.NAME_TAKEN, PROJECT.MEMBER_UNKNOWN */
  async create(project: NewProject, actor: string): Promise<ProjectBody> {
    return this.prisma.transaction(async (tx) => {
      await this.assertUsers(tx, project.members);
      const body = await this.projects.create(tx, project);
      await this.audit.append(tx, { actor, action: 'project.create', subject: body.id, data: { ...project } });
      return willAnswer(body);
    });
  }

  /** @throws AppError PROJECT.NOT_FOUND, PROJECT.MEMBER_UNKNOWN */
  async update(id: string, changes: ProjectChanges, actor: string): Promise<ProjectBody> {
    const updated = await this.prisma.transaction(async (tx) => {
      await this.assertUsers(tx, changes.members ?? []);
      const body = id.includes('\0') ? undefined : await this.projects.update(tx, id, changes);
      if (body === undefined) throw projectNotFound(id);
      await this.audit.append(tx, { actor, action: 'project.update', subject: id, data: { ...changes } });
      return body;
    });
    this.tokens.rightsChanged();
    return updated;
  }

  private async assertUsers(tx: Transaction, ids: readonly string[]): Promise<void> {
    const known = new Set(
      await this.users.existing(
        tx,
        ids.filter((id) => !id.includes('\0')),
      ),
    );
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw memberUnknown(unknown);
  }
}
