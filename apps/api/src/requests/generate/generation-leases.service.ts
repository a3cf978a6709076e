import { Inject, Injectable } from '@nestjs/common';
import { type Clock, describeError, type Logger, sleep } from '@millrace/core';
import { ApiConfig } from '../../ground/config/api-config';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import { devicesTaken } from '../../ledger/agents/generate.errors';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import { type GenerationClaim, LeasesRepository } from '../../ledger/runs/leases.repository';

/** A replica that holds the devices gives each of its texts two minutes. */
const WAIT_MS_MAX = 60_000;
const AGAIN_AFTER_MS = 250;
const RENEWALS_PER_LEASE = 3;

export interface LeasedWork<T> {
  readonly work: () => Promise<T>;
  /** Meanwhile another generation was given this agent's device. */
  readonly onLost: (agentId: string) => void;
}

/**
 * Devices of a generation, as long as it takes. The replica that waits for its text renews their leases: those of one
 * that died, and of an agent that is not heard of any more, run out by themselves.
 */
@Injectable()
export class GenerationLeasesService {
  constructor(
    private readonly leases: LeasesRepository,
    private readonly term: LeaseTerm,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws AppError GENERATE.DEVICES_TAKEN when another replica's generations keep the devices */
  async during<T>(claim: GenerationClaim, { work, onLost }: LeasedWork<T>): Promise<T> {
    const { clock, config } = this;
    await this.take(claim);
    let renewal = Promise.resolve();
    let cancelRenewal: () => void = () => undefined;
    const renewLater = (): void => {
      cancelRenewal = clock.after(config.leaseMs / RENEWALS_PER_LEASE, () => {
        renewal = this.renew(claim, onLost).finally(renewLater);
      });
    };
    renewLater();
    try {
      return await work();
    } finally {
      // A generation that is on its way would take the devices again.
      await renewal;
      cancelRenewal();
      await this.release(claim);
    }
  }

  private async take(claim: GenerationClaim): Promise<void> {
    const { clock } = this;
    const startedMs = clock.monotonicMs();
    for (;;) {
      const others = await this.claim(claim);
      if (others.length === 0) return;
      // It gets all of them or none: devices that it kept while it waits would make others wait.
      await this.leases.releaseGeneration(claim.generationId);
      if (clock.monotonicMs() - startedMs >= WAIT_MS_MAX) throw devicesTaken(others);
      await sleep(clock, AGAIN_AFTER_MS);
    }
  }

  private async renew(claim: GenerationClaim, onLost: (agentId: string) => void): Promise<void> {
    try {
      for (const agentId of await this.claim(claim)) onLost(agentId);
    } catch (error) {
      this.note(claim, 'leases of a generation could not be renewed', error);
    }
  }

  private claim(claim: GenerationClaim): Promise<string[]> {
    return this.term.watch(() => this.leases.claim(claim, this.config.leaseMs));
  }

  /** If that fails, they run out. */
  private async release(claim: GenerationClaim): Promise<void> {
    try {
      await this.leases.releaseGeneration(claim.generationId);
    } catch (error) {
      this.note(claim, 'leases of a generation could not be released', error);
    }
  }

  private note({ generationId }: GenerationClaim, what: string, error: unknown): void {
    this.logger.warn({ generationId, reason: describeError(error) }, what);
  }
}
