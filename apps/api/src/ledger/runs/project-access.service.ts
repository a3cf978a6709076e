import { Injectable } from '@nestjs/common';
import { projectForbidden } from '../../ground/auth/auth.errors';
import type { Principal } from '../../ground/auth/principal';
import { RunLookup } from './run-lookup';
import { ProjectsRepository } from '../../ground/accounts/projects.repository';

/** Members may act on runs of their own projects, admins on all. Everybody may read every project. */
@Injectable()
export class ProjectAccessService {
  constructor(
    private readonly projects: ProjectsRepository,
    private readonly runs: RunLookup,
  ) {}

  /** @throws AppError AUTH.PROJECT_FORBIDDEN */
  async assertMember({ role, user }: Principal, project: string): Promise<void> {
    if (role === 'admin' || user === null) return;
    if (!(await this.projects.isMember(project, user.id))) throw projectForbidden(user.name, project);
  }

  /** @throws AppError RUN.NOT_FOUND, AUTH.PROJECT_FORBIDDEN */
  async assertMaySteer(caller: Principal, runId: string): Promise<void> {
    await this.assertMember(caller, await this.runs.projectOf(runId));
  }
}
