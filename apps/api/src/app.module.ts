import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { JoinTokensService } from './requests/accounts/join-tokens.service';
import { ProjectsController } from './requests/accounts/projects.controller';
import { ProjectsService } from './requests/accounts/projects.service';
import { TokensController } from './requests/accounts/tokens.controller';
import { UserTokensService } from './requests/accounts/user-tokens.service';
import { UsersController } from './requests/accounts/users.controller';
import { UsersService } from './requests/accounts/users.service';
import { AgentsController } from './requests/agents/agents.controller';
import { AuditController } from './requests/audit/audit.controller';
import { AuthGuard } from './ground/auth/auth.guard';
import { RateLimitGuard } from './ground/auth/rate-limit.guard';
import { UploadSpool } from './ground/blobs/upload-spool';
import { DocumentInterceptor } from './ground/documents/document.interceptor';
import { ProblemFilter } from './boundary/http/problem.filter';
import { CheckpointsController } from './requests/checkpoints/checkpoints.controller';
import { CheckpointsRepository } from './requests/checkpoints/checkpoints.repository';
import { CheckpointsService } from './requests/checkpoints/checkpoints.service';
import { ModelExportService } from './requests/checkpoints/model-export.service';
import { ModelFilesService } from './requests/checkpoints/model-files.service';
import { ModelImportService } from './requests/checkpoints/model-import.service';
import { ClusterModule } from './cluster.module';
import { DatasetPreviewService } from './requests/datasets/dataset-preview.service';
import { DatasetsController } from './requests/datasets/datasets.controller';
import { DatasetsService } from './requests/datasets/datasets.service';
import { SseStreams } from './ground/events/sse-streams';
import { EventStreamService } from './ground/events/event-stream.service';
import { LiveFeedService } from './live/streams/live-feed.service';
import { TopicStreamService } from './live/streams/topic-stream.service';
import { EventsController } from './live/streams/events.controller';
import { FoundationModule, type FoundationOptions } from './foundation.module';
import { GenerateController } from './requests/generate/generate.controller';
import { HealthController } from './boundary/health/health.controller';
import { ScrapeController } from './boundary/prometheus/scrape.controller';
import { QueueReadiness } from './boundary/health/queue-readiness';
import { ReadinessService } from './boundary/health/readiness.service';
import { IdempotencyInterceptor } from './requests/idempotency/idempotency.interceptor';
import { LogsController } from './requests/runs/logs.controller';
import { MetricsController } from './requests/runs/metrics.controller';
import { DocsController } from './boundary/openapi/docs.controller';
import { OpenApiController } from './boundary/openapi/openapi.controller';
import { OverviewController } from './requests/overview/overview.controller';
import { OverviewRepository } from './requests/overview/overview.repository';
import { RunsController } from './requests/runs/runs.controller';
import { SessionController } from './requests/sign-in/session.controller';
import { SignInService } from './requests/sign-in/sign-in.service';
import { WebSessionsRepository } from './requests/sign-in/web-sessions.repository';
import { TelemetryController } from './requests/agents/telemetry.controller';
import { TimelineController } from './live/timeline/timeline.controller';

const CONTROLLERS = [
  HealthController,
  ScrapeController,
  OpenApiController,
  DocsController,
  DatasetsController,
  RunsController,
  EventsController,
  LogsController,
  MetricsController,
  TimelineController,
  CheckpointsController,
  GenerateController,
  AgentsController,
  SessionController,
  OverviewController,
  AuditController,
  UsersController,
  TokensController,
  ProjectsController,
  TelemetryController,
];
/** In the order in which they act: who asks, how often, what is sent, and whether the same was sent before. */
const BOUNDARY = [
  { provide: APP_FILTER, useClass: ProblemFilter },
  { provide: APP_GUARD, useClass: AuthGuard },
  { provide: APP_GUARD, useClass: RateLimitGuard },
  { provide: APP_INTERCEPTOR, useClass: DocumentInterceptor },
  { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
];
const SERVICES = [
  SseStreams,
  EventStreamService,
  LiveFeedService,
  TopicStreamService,
  DatasetsService,
  DatasetPreviewService,
  OverviewRepository,
  UploadSpool,
  CheckpointsRepository,
  CheckpointsService,
  ModelExportService,
  ModelFilesService,
  ModelImportService,
  ReadinessService,
  QueueReadiness,
  WebSessionsRepository,
  SignInService,
  UsersService,
  UserTokensService,
  JoinTokensService,
  ProjectsService,
];

/** The whole API. */
@Module({})
export class AppModule {
  static register(options: FoundationOptions): DynamicModule {
    const throttler = ThrottlerModule.forRoot([{ ttl: 1000, limit: options.config.requestsPerSecond }]);
    return {
      module: AppModule,
      imports: [FoundationModule.register(options), ClusterModule, throttler],
      controllers: CONTROLLERS,
      providers: [...BOUNDARY, ...SERVICES],
    };
  }
}
