import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type Clock, type Logger, systemClock } from '@millrace/core';
import { JoinTokensRepository } from './ground/accounts/join-tokens.repository';
import { ProjectAccessService } from './ledger/runs/project-access.service';
import { ProjectsRepository } from './ground/accounts/projects.repository';
import { UsersRepository } from './ground/accounts/users.repository';
import { AuditRepository } from './ground/audit/audit.repository';
import { Strangers } from './ground/auth/strangers';
import { TokensRepository } from './ground/auth/tokens.repository';
import { RightsWatch } from './ground/auth/rights-watch';
import { TokensService } from './ground/auth/tokens.service';
import { BlobsService } from './ground/blobs/blobs.service';
import { ApiConfig } from './ground/config/api-config';
import { CLOCK, LOGGER } from './ground/config/api-logger';
import { DatabaseClock } from './ground/database/database-clock';
import { PrismaService } from './ground/database/prisma.service';
import { RunLookup } from './ledger/runs/run-lookup';
import { DocumentReader } from './ground/documents/document-reader';
import { DatasetsRepository } from './ledger/datasets/datasets.repository';
import { EventFeedService } from './ground/events/event-feed.service';
import { EventsRepository } from './ground/events/events.repository';
import { EventsService } from './ground/events/events.service';
import { LogsRepository } from './ledger/logs/logs.repository';
import { MetricsRepository } from './ledger/metrics/metrics.repository';
import { SeriesRepository } from './ledger/metrics/series.repository';
import { ClusterCountsRepository } from './boundary/prometheus/cluster-counts.repository';
import { RunTracingService } from './ground/tracing/run-tracing.service';
import { PrometheusService } from './ground/prometheus/prometheus.service';
import { ServedAddresses } from './ground/tls/served-addresses';

const SERVICES = [
  PrismaService,
  DatabaseClock,
  RunLookup,
  AuditRepository,
  EventsService,
  EventsRepository,
  EventFeedService,
  MetricsRepository,
  SeriesRepository,
  LogsRepository,
  BlobsService,
  Strangers,
  TokensRepository,
  RightsWatch,
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
  DocumentReader,
];

export interface FoundationOptions {
  readonly config: ApiConfig;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** What both halves of the API are built on. It is global, so that a feature's module need not import it. */
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
