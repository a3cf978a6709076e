import { Injectable } from '@nestjs/common';
import { isFlushless, oldestWeightVersion, startDeadlineMs } from '@millrace/contracts';
import { assert } from '@millrace/core';
import type { Transaction } from '../../ground/database/prisma.service';
import { AgentsRepository, type AgentWithLease } from '../../ledger/agents/agents.repository';
import type { StoredPlan } from '../../ledger/runs/attempt-record';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import type { RunRecord } from '../../ledger/runs/run-record';
import { kernelsToAvoid } from '../plans/kernels-to-avoid';
import { plannedChoices } from './planned-choices';
import type { PlacedRun } from '../plans/run-plans.service';
import { deviceKind } from '../profiling/device-kind';
import { KernelChoicesRepository } from '../profiling/kernel-choices.repository';
import { ResumeSourceService } from './resume-source.service';

/** The agents, indexed by rank. */
export type Gang = readonly AgentWithLease[];

export interface PlacedGang {
  readonly placed: PlacedRun;
  readonly gang: Gang;
}

interface Planned extends PlacedGang {
  readonly run: RunRecord;
  readonly fence: number;
}

/** Makes the plan of an attempt from where its run goes on, its gang, and what is known of such devices. */
@Injectable()
export class AttemptPlansService {
  constructor(
    private readonly attempts: AttemptsRepository,
    private readonly agents: AgentsRepository,
    private readonly resumeSource: ResumeSourceService,
    private readonly kernelChoices: KernelChoicesRepository,
  ) {}

  async make(tx: Transaction, { run, placed, gang, fence }: Planned): Promise<StoredPlan> {
    const { outline: shape, dataset } = placed.shaped;
    assert(
      gang.length === shape.schedule.ranks,
      `${run.id} has ${shape.schedule.ranks} ranks and was given ${gang.length} devices`,
    );
    const source = await this.resumeSource.find(tx, run);
    const variants = await this.variants(tx, gang, run.id);
    const stages = shape.stages.map(({ firstLayer, layerCount, embedding, head }) => ({
      firstLayer,
      layerCount,
      embedding,
      head,
    }));
    const versioned = { spec: placed.spec, stages, firstStep: source.plan.firstStep };
    const { sha256, bytes, dtype, tokens } = dataset;
    return {
      runId: run.id,
      fence,
      spec: placed.spec,
      model: shape.model,
      stages,
      peers: peersOf(gang),
      dataset: { sha256, bytes, dtype, tokens },
      ...source.plan,
      lastStep: run.spec.train.steps,
      startDeadlineMs: startDeadlineMs(bytes + source.bytes),
      rankOfStage: shape.schedule.rankOfStage,
      predicted: placed.predicted,
      ...variants,
      ...(isFlushless(run.spec.parallel) ? { oldestVersion: oldestWeightVersion(versioned, source.manifest) } : {}),
    };
  }

  /** Which variants of kernels the ranks run: what they must not differ in follows from the attempt before. */
  private async variants(
    tx: Transaction,
    gang: Gang,
    runId: string,
  ): Promise<Pick<StoredPlan, 'quarantined' | 'choices'>> {
    const before = await this.attempts.newest(tx, runId);
    const known = await this.agents.devices(tx);
    const quarantined = kernelsToAvoid({ gang, known, before: before?.plan.quarantined });
    const kinds = gang.map(deviceKind);
    const measured = await this.kernelChoices.ofKinds(tx, kinds);
    const choices = plannedChoices({ kinds, measured, before: before?.plan.choices });
    return { ...(quarantined.length > 0 ? { quarantined } : {}), ...(choices.length > 0 ? { choices } : {}) };
  }
}

export function peersOf(gang: Gang): StoredPlan['peers'] {
  return gang.map(({ id, dataAddress }, rank) => ({ rank, agentId: id, address: dataAddress }));
}
