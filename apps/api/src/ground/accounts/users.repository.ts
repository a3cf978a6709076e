import { Injectable } from '@nestjs/common';
import type { NewUser, UserBody, UserChanges, UserRole } from '@millrace/contracts';
import { newId } from '@millrace/core';
import type { CreatedKey } from '../database/created-key';
import { isUniqueViolation } from '../database/prisma-failures';
import { PrismaService, type Transaction } from '../database/prisma.service';
import type { User } from '../../generated/prisma/client';
import { userNameTaken } from './accounts.errors';

/** Rows of users. */
@Injectable()
export class UsersRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Newest first. */
  async list(count: number, after?: CreatedKey): Promise<User[]> {
    return this.prisma.user.findMany({
      ...(after === undefined
        ? {}
        : {
            where: {
              OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
            },
          }),
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: count,
    });
  }

  async find(id: string, reader: Transaction = this.prisma): Promise<User | null> {
    return id.includes('\0') ? null : reader.user.findUnique({ where: { id } });
  }

  /** @throws AppError USER.NAME_TAKEN */
  async create(tx: Transaction, { name, role }: NewUser): Promise<User> {
    return named(name, tx.user.create({ data: { id: newId('user'), name, role } }));
  }

  /** @throws AppError USER.NAME_TAKEN */
  async update(tx: Transaction, id: string, { name, role, disabled }: UserChanges): Promise<User> {
    const data = {
      ...(name === undefined ? {} : { name }),
      ...(role === undefined ? {} : { role }),
      ...(disabled === undefined ? {} : { disabled }),
    };
    return named(name ?? '', tx.user.update({ where: { id }, data }));
  }

  /** Deletes the user, with the user's tokens, sessions and memberships. */
  async delete(tx: Transaction, id: string): Promise<void> {
    await tx.user.delete({ where: { id } });
  }

  /** Ids of the admins that are enabled; none of them can change until the transaction ends. */
  async lockAdmins(tx: Transaction): Promise<string[]> {
    const rows = await tx.$queryRaw<{ id: string }[]>`
      SELECT "id" FROM "User" WHERE "role" = 'admin' AND NOT "disabled" ORDER BY "id" FOR UPDATE`;
    return rows.map(({ id }) => id);
  }

  async existing(tx: Transaction, ids: readonly string[]): Promise<string[]> {
    const rows = await tx.user.findMany({ where: { id: { in: [...ids] } }, select: { id: true } });
    return rows.map(({ id }) => id);
  }
}

async function named(name: string, write: Promise<User>): Promise<User> {
  try {
    return await write;
  } catch (error) {
    if (isUniqueViolation(error)) throw userNameTaken(name);
    throw error;
  }
}

export function toUserBody({ id, name, role, disabled, createdAt }: User): UserBody {
  return { id, name, role: role as UserRole, disabled, createdAt: createdAt.toISOString() };
}
