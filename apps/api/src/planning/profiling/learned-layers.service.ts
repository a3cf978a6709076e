import { Injectable } from '@nestjs/common';
import { LAYER_PARTS, type LayerTimes } from '@millrace/contracts';
import { DatabaseClock } from '../../ground/database/database-clock';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import type { AttemptRecord } from '../../ledger/runs/attempt-record';
import { deviceKind } from './device-kind';
import { LayerProfilesRepository } from './layer-profiles.repository';

/** Keeps what the steps of a run showed about its layers, for the next run of such a model on such devices. */
@Injectable()
export class LearnedLayersService {
  constructor(
    private readonly profiles: LayerProfilesRepository,
    private readonly agents: AgentsRepository,
    private readonly time: DatabaseClock,
  ) {}

  /** `layers` is by agent; of several agents of one kind the mean is kept. */
  async learn({ plan }: Pick<AttemptRecord, 'plan'>, layers: Readonly<Record<string, LayerTimes>>): Promise<void> {
    const { spec, model } = plan;
    const { batch, precision } = spec.train;
    const work = { model, microBatch: batch.micro, recompute: spec.parallel.recompute, precision };
    const kinds = new Map<string, { agentId: string; times: LayerTimes[] }>();
    for (const agent of await this.agents.all()) {
      const times = layers[agent.id];
      if (times === undefined) continue;
      const kind = deviceKind(agent);
      const same = kinds.get(kind) ?? { agentId: agent.id, times: [] };
      same.times.push(times);
      kinds.set(kind, same);
    }
    const at = await this.time.now();
    for (const [kind, { agentId, times }] of kinds)
      await this.profiles.learned(kind, work, { agentId, layers: meanLayers(times), at });
  }
}

function meanLayers(all: readonly LayerTimes[]): LayerTimes {
  const mean = (part: keyof LayerTimes, action: keyof LayerTimes['block']): number =>
    all.reduce((sum, layers) => sum + layers[part][action], 0) / all.length;
  const entries = LAYER_PARTS.map((part) => [part, { F: mean(part, 'F'), I: mean(part, 'I'), W: mean(part, 'W') }]);
  return Object.fromEntries(entries) as LayerTimes;
}
