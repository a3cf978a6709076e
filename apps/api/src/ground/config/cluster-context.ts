import { Inject, Injectable } from '@nestjs/common';
import type { Clock, Logger } from '@millrace/core';
import { ApiConfig } from './api-config';
import { CLOCK, LOGGER } from './api-logger';

/** What the control plane runs in: its settings, its time, where it logs. */
@Injectable()
export class ClusterContext {
  constructor(
    readonly config: ApiConfig,
    @Inject(CLOCK) readonly clock: Clock,
    @Inject(LOGGER) readonly logger: Logger,
  ) {}
}
