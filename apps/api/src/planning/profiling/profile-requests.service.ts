import { Inject, Injectable } from '@nestjs/common';
import {
  type agentV1,
  type ApiMessageBody,
  type LayerTimes,
  type LayerWork,
  neededFeatures,
  type RunSpec,
} from '@millrace/contracts';
import type { Logger, ModelConfig } from '@millrace/core';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { featuresOf } from '../../ledger/agents/inventory';
import { LOGGER } from '../../ground/config/api-logger';
import { DatabaseClock } from '../../ground/database/database-clock';
import { ClusterSignals } from '../../ground/events/cluster-signals';
import type { SessionIdentity } from '../../ledger/sessions/agent-session';
import { deviceKind } from './device-kind';
import { type LayerProfileRecord, LayerProfilesRepository } from './layer-profiles.repository';
import { layerProfileInvalid } from './profiling.errors';

/** If an agent of a kind of device did not answer, one is asked again after this time. */
const ASK_AGAIN_AFTER_MS = 600_000;

/**
 * Asks idle agents how long the layers of a model take on their kind of device, and stores the answers. Nobody waits
 * for them: a run whose devices are free starts on an estimate, and its own steps show more (LearnedLayersService).
 */
@Injectable()
export class ProfileRequestsService {
  constructor(
    private readonly profiles: LayerProfilesRepository,
    private readonly signals: ClusterSignals,
    private readonly time: DatabaseClock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Asks one agent of each kind that is not known. Only a split over several stages depends on the times. */
  async askFor(spec: RunSpec, model: ModelConfig, idle: readonly AgentWithLease[]): Promise<void> {
    const { pp, partition, recompute } = spec.parallel;
    if (pp === 1 || partition !== 'auto' || idle.length === 0) return;
    const { precision, batch } = spec.train;
    const work: LayerWork = { model, microBatch: batch.micro, recompute, precision };
    const known = (await this.profiles.ofLayers(work)).filter((profile) => profile.recompute === recompute);
    const at = await this.time.now();
    const able = idle.filter((agent) =>
      neededFeatures(spec).every(({ feature }) => featuresOf(agent).includes(feature)),
    );
    const byKind = new Map(able.map((agent) => [deviceKind(agent), agent]));
    let asked = false;
    for (const [kind, agent] of byKind) {
      const profile = known.find((each) => each.kind === kind);
      if (profile !== undefined && !isStale(profile, at)) continue;
      await this.ask(kind, work, { agentId: agent.id, at });
      asked = true;
    }
    if (asked) this.signals.commands();
  }

  /** The commands that the agents should be sent now, by agent. */
  async commands(agentIds: readonly string[]): Promise<{ agentId: string; id: string; body: ApiMessageBody }[]> {
    return (await this.unanswered(agentIds)).map((profile) => {
      const id = commandId(profile);
      const value = { commandId: id, workJson: JSON.stringify(profile.work) };
      return { agentId: profile.agentId, id, body: { $case: 'measureLayers', value } };
    });
  }

  /** Drops an answer to something else, or to what is no longer asked. @throws AppError PROFILE.INVALID */
  async answered({ agentId }: SessionIdentity, answer: agentV1.LayerProfile): Promise<void> {
    const profile = await this.find(agentId, answer.commandId);
    if (profile === undefined) return;
    if (answer.errorMessage !== '') return this.failed(profile, answer.errorMessage);
    const layers = parseLayers(answer);
    await this.profiles.measured(profile, agentId, { layers, at: await this.time.now() });
    const { kind, microBatch, recompute } = profile;
    this.logger.info({ agent: agentId, kind, microBatch, recompute, layers }, 'layers measured');
    this.signals.schedule();
  }

  /** Handles an agent's acceptance or refusal of the command. */
  async commandAnswered({ agentId }: SessionIdentity, result: agentV1.CommandResult): Promise<void> {
    if (result.ok) return;
    const profile = await this.find(agentId, result.commandId);
    if (profile !== undefined) await this.failed(profile, result.errorMessage);
  }

  private async failed(profile: LayerProfileRecord, error: string): Promise<void> {
    await this.profiles.failed(profile, profile.agentId, error.replaceAll('\0', ' '));
    this.logger.warn({ agent: profile.agentId, kind: profile.kind, error }, 'layers were not measured');
    this.signals.schedule();
  }

  private async find(agentId: string, id: string): Promise<LayerProfileRecord | undefined> {
    return (await this.unanswered([agentId])).find((profile) => commandId(profile) === id);
  }

  private async unanswered(agentIds: readonly string[]): Promise<LayerProfileRecord[]> {
    return this.profiles.asked(agentIds, await this.time.after(-ASK_AGAIN_AFTER_MS));
  }

  private async ask(kind: string, work: LayerWork, { agentId, at }: Asked): Promise<void> {
    const before = new Date(at.getTime() - ASK_AGAIN_AFTER_MS);
    await this.profiles.ask(kind, work, { agentId, at, before });
    this.logger.info({ agent: agentId, kind, microBatch: work.microBatch }, 'layers are measured while the run waits');
  }
}

interface Asked {
  readonly agentId: string;
  readonly at: Date;
}

function isStale({ layers, askedAt }: LayerProfileRecord, now: Date): boolean {
  return layers === null && now.getTime() - askedAt.getTime() > ASK_AGAIN_AFTER_MS;
}

const PREFIX = 'profile:';

/** A new request for the same profile has another id, because its time is part of the id. */
function commandId({ kind, model, microBatch, recompute, askedAt }: LayerProfileRecord): string {
  const kindText = Buffer.from(kind).toString('base64url');
  return `${PREFIX}${model}-${microBatch}-${recompute}-${kindText}-${askedAt.getTime()}`;
}

export function isProfileCommand(id: string): boolean {
  return id.startsWith(PREFIX);
}

function parseLayers({ embedding, block, head }: agentV1.LayerProfile): LayerTimes {
  return { embedding: parseTimes(embedding), block: parseTimes(block), head: parseTimes(head) };
}

/** Checks the times, since values that are not times would stop the planner. */
function parseTimes(seconds: agentV1.LayerSeconds | undefined): LayerTimes['block'] {
  const times = { F: seconds?.forward ?? NaN, I: seconds?.backwardInput ?? NaN, W: seconds?.backwardWeight ?? NaN };
  for (const time of Object.values(times)) if (!(time >= 0 && time < Infinity)) throw layerProfileInvalid(time);
  return times;
}
