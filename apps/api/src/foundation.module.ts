import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type Clock, type Logger, systemClock } from '@millrace/core';
import { JoinTokensRepository } from './accounts/join-tokens.repository';
import { ProjectAccessService } from './accounts/project-access.service';
import { ProjectsRepository } from './accounts/projects.repository';
import { UsersRepository } from './accounts/users.repository';
import { AuditRepository } from './audit/audit.repository';
import { TokensRepository } from './auth/tokens.repository';
import { TokensService } from './auth/tokens.service';
import { BlobsService } from './blobs/blobs.service';
import { ApiConfig } from './config/api-config';
import { CLOCK, LOGGER } from './config/api-logger';
import { PrismaService } from './database/prisma.service';
import { RunLookup } from './database/run-lookup';
import { DatasetsRepository } from './datasets/datasets.repository';
import { EventFeedService } from './events/event-feed.service';
import { EventsRepository } from './events/events.repository';
import { EventsService } from './events/events.service';
import { LogsRepository } from './logs/logs.repository';
import { MetricsRepository } from './metrics/metrics.repository';
import { SeriesRepository } from './metrics/series.repository';
import { ClusterCountsRepository } from './health/cluster-counts.repository';
import { RunTracingService } from './tracing/run-tracing.service';
import { PrometheusService } from './health/prometheus.service';
import { ServedAddresses } from './tls/served-addresses';

const SERVICES = [
  PrismaService,
  RunLookup,
  AuditRepository,
  EventsService,
  EventsRepository,
  EventFeedService,
  MetricsRepository,
  SeriesRepository,
  LogsRepository,
  BlobsService,
  TokensRepository,
  TokensService,
  DatasetsRepository,
  ClusterCountsRepository,
  PrometheusService,
  UsersRepository,
  ProjectsRepository,
  ProjectAccessService,
  JoinTokensRepository,
  ServedAddresses,
  RunTracingService,
];

export interface FoundationOptions {
  readonly config: ApiConfig;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** What both halves of the API stand on; global, so that a feature's module need not import it. */
@Global()
@Module({})
export class FoundationModule {
  static register({ config, logger, clock = systemClock }: FoundationOptions): DynamicModule {
    const values = [
      { provide: ApiConfig, useValue: config },
      { provide: LOGGER, useValue: logger },
      { provide: CLOCK, useValue: clock },
    ];
    return { module: FoundationModule, providers: [...values, ...SERVICES], exports: [...values, ...SERVICES] };
  }
}
