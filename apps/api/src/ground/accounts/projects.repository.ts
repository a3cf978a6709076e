import { Injectable } from '@nestjs/common';
import type { NewProject, ProjectBody, ProjectChanges } from '@millrace/contracts';
import { newId } from '@millrace/core';
import type { CreatedKey } from '../database/created-key';
import { isUniqueViolation } from '../database/prisma-failures';
import { PrismaService, type Transaction } from '../database/prisma.service';
import type { Project, ProjectMember } from '../../generated/prisma/client';
import { projectNameTaken } from './accounts.errors';

type ProjectWithMembers = Project & { members: ProjectMember[] };

const WITH_MEMBERS = { members: { orderBy: { userId: 'asc' } } } as const;

/** Rows of projects and of their members. */
@Injectable()
export class ProjectsRepository {
  constructor(private readonly prisma: PrismaService) {}

  /** Newest first. */
  async list(count: number, after?: CreatedKey): Promise<ProjectBody[]> {
    const rows = await this.prisma.project.findMany({
      ...(after === undefined
        ? {}
        : {
            where: {
              OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
            },
          }),
      include: WITH_MEMBERS,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: count,
    });
    return rows.map(toBody);
  }

  async exists(name: string): Promise<boolean> {
    return (await this.prisma.project.count({ where: { name } })) > 0;
  }

  async isMember(name: string, userId: string): Promise<boolean> {
    const where = { name, OR: [{ everyone: true }, { members: { some: { userId } } }] };
    return (await this.prisma.project.count({ where })) > 0;
  }

  /** @throws AppError PROJECT.NAME_TAKEN */
  async create(tx: Transaction, { name, everyone, members }: NewProject): Promise<ProjectBody> {
    const own = { create: [...new Set(members)].map((userId) => ({ userId })) };
    try {
      const data = { id: newId('project'), name, everyone, members: own };
      return toBody(await tx.project.create({ data, include: WITH_MEMBERS }));
    } catch (error) {
      if (isUniqueViolation(error)) throw projectNameTaken(name);
      throw error;
    }
  }

  /** Undefined when there is no project with this id. */
  async update(tx: Transaction, id: string, { everyone, members }: ProjectChanges): Promise<ProjectBody | undefined> {
    if ((await tx.project.count({ where: { id } })) === 0) return undefined;
    const own = members && { deleteMany: {}, create: [...new Set(members)].map((userId) => ({ userId })) };
    const data = { ...(everyone === undefined ? {} : { everyone }), ...(own === undefined ? {} : { members: own }) };
    return toBody(await tx.project.update({ where: { id }, data, include: WITH_MEMBERS }));
  }
}

function toBody({ id, name, everyone, members, createdAt }: ProjectWithMembers): ProjectBody {
  return { id, name, everyone, members: members.map(({ userId }) => userId), createdAt: createdAt.toISOString() };
}
