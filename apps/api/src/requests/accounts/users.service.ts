import { Injectable } from '@nestjs/common';
import type { NewUser, Page, UserBody, UserChanges } from '@millrace/contracts';
import { AuditRepository } from '../../ground/audit/audit.repository';
import { TokensService } from '../../ground/auth/tokens.service';
import { createdCursor, createdKeySchema, decodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { lastAdmin, userNotFound } from '../../ground/accounts/accounts.errors';
import { toUserBody, UsersRepository } from '../../ground/accounts/users.repository';
import { willAnswer } from '../idempotency/guarded-request';

/** Users, which only admins manage. There is always an enabled admin. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly audit: AuditRepository,
    private readonly tokens: TokensService,
    private readonly prisma: PrismaService,
  ) {}

  async list({ limit, cursor }: PageRequest): Promise<Page<UserBody>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, createdKeySchema);
    const rows = await this.users.list(limit + 1, key && { createdAt: new Date(key[0]), id: key[1] });
    const items = rows.slice(0, limit).map(toUserBody);
    return { items, nextCursor: nextCursor(rows, limit, createdCursor) };
  }

  /** @throws AppError USER.NAME_TAKEN */
  async create(user: NewUser, actor: string): Promise<UserBody> {
    return this.prisma.transaction(async (tx) => {
      const row = await this.users.create(tx, user);
      await this.audit.append(tx, { actor, action: 'user.create', subject: row.id, data: user });
      return willAnswer(toUserBody(row));
    });
  }

  /** @throws AppError USER.NOT_FOUND, USER.NAME_TAKEN, USER.LAST_ADMIN */
  async update(id: string, changes: UserChanges, actor: string): Promise<UserBody> {
    const body = await this.prisma.transaction(async (tx) => {
      const admin = (changes.role ?? 'admin') === 'admin' && changes.disabled !== true;
      await this.assertAdminStays(tx, id, admin);
      const row = await this.users.update(tx, id, changes);
      await this.audit.append(tx, { actor, action: 'user.update', subject: id, data: { ...changes } });
      return toUserBody(row);
    });
    this.tokens.rightsChanged();
    return body;
  }

  /** @throws AppError USER.NOT_FOUND, USER.LAST_ADMIN */
  async remove(id: string, actor: string): Promise<void> {
    await this.prisma.transaction(async (tx) => {
      const name = await this.assertAdminStays(tx, id, false);
      // The audit entry is written before the row is deleted: the actor may be that very user.
      await this.audit.append(tx, { actor, action: 'user.delete', subject: id, data: { name } });
      await this.users.delete(tx, id);
    });
    this.tokens.rightsChanged();
  }

  /** `stays` says whether the user, if an enabled admin now, still is one afterwards. @returns the user's name */
  private async assertAdminStays(tx: Transaction, id: string, stays: boolean): Promise<string> {
    const admins = await this.users.lockAdmins(tx);
    const user = await this.users.find(id, tx);
    if (!user) throw userNotFound(id);
    if (!stays && admins.length === 1 && admins[0] === id) throw lastAdmin(user.name);
    return user.name;
  }
}
