import type { ModelConfig } from '@millrace/core';
import { Injectable } from '@nestjs/common';
import type { RunSpec } from '@millrace/contracts';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { deviceKind } from '../profiling/device-kind';
import { LayerProfilesRepository } from '../profiling/layer-profiles.repository';
import { LinkProfilesRepository } from '../profiling/link-profiles.repository';
import type { MeasuredLayers, MemoryLimits, PlanBasis } from '../../ledger/runs/plan-basis';
import { plannable } from './plannable-device';

export interface PlannedRun {
  /** Undefined when the run is only tried and not stored. */
  readonly id?: string;
  readonly spec: RunSpec;
  readonly memoryLimits?: MemoryLimits | undefined;
}

/** Everything measured that matters for a run, as a function of the agents that it may use. */
export type PlanningKnowledge = (agents: readonly AgentWithLease[]) => PlanBasis;

/**
 * Gathers what was measured: how long the layers of the run's model take on each kind of device, how long they took on
 * an agent in the run's own earlier attempts (which is newer and takes precedence), and the links between agents.
 */
@Injectable()
export class PlanningKnowledgeService {
  constructor(
    private readonly profiles: LayerProfilesRepository,
    private readonly links: LinkProfilesRepository,
    private readonly attempts: AttemptsRepository,
  ) {}

  async of(run: PlannedRun, model: ModelConfig, agents: readonly AgentWithLease[]): Promise<PlanningKnowledge> {
    const kinds = await this.ofKinds(run.spec, model);
    const own = run.id === undefined ? new Map<string, MeasuredLayers>() : await this.ofRun(run.id);
    const measured = await this.links.among(agents.map(({ id }) => id));
    // Links are looked up for every pair of a large cluster, several times for one plan.
    const links = new Map(
      measured.map(({ fromAgent, toAgent, bytesPerSecond, latencySeconds }) => [
        `${fromAgent} ${toAgent}`,
        { bytesPerSecond, latencySeconds },
      ]),
    );
    const layers = (agent: AgentWithLease): MeasuredLayers | undefined => {
      const ofAgent = own.get(agent.id);
      const ofKind = kinds.get(deviceKind(agent));
      return ofAgent === undefined ? ofKind : { ...ofKind, ...ofAgent };
    };
    return (chosen) => ({
      devices: chosen.map((agent) =>
        plannable(agent, { layers: layers(agent), limitBytes: run.memoryLimits?.get(agent.id) }),
      ),
      links: chosen.map(({ id: from }) => chosen.map(({ id: to }) => links.get(`${from} ${to}`))),
    });
  }

  private async ofKinds({ train }: RunSpec, model: ModelConfig): Promise<Map<string, MeasuredLayers>> {
    const { precision, batch } = train;
    const kinds = new Map<string, MeasuredLayers>();
    for (const { kind, recompute, layers } of await this.profiles.ofLayers({
      model,
      microBatch: batch.micro,
      precision,
    }))
      if (layers !== null) kinds.set(kind, { ...kinds.get(kind), [recompute]: layers });
    return kinds;
  }

  /** The times by agent, from the newest attempt that the agent took part in. */
  private async ofRun(runId: string): Promise<Map<string, MeasuredLayers>> {
    const own = new Map<string, MeasuredLayers>();
    for (const { recompute, layers } of await this.attempts.learned(runId))
      for (const [agent, times] of Object.entries(layers)) own.set(agent, { ...own.get(agent), [recompute]: times });
    return own;
  }
}
