import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { JoinTokensService } from './accounts/join-tokens.service';
import { ProjectsController } from './accounts/projects.controller';
import { ProjectsService } from './accounts/projects.service';
import { TokensController } from './accounts/tokens.controller';
import { UserTokensService } from './accounts/user-tokens.service';
import { UsersController } from './accounts/users.controller';
import { UsersService } from './accounts/users.service';
import { AgentsController } from './agents/agents.controller';
import { AuditController } from './audit/audit.controller';
import { AuthGuard } from './auth/auth.guard';
import { RateLimitGuard } from './auth/rate-limit.guard';
import { UploadSpool } from './blobs/upload-spool';
import { DocumentInterceptor } from './boundary/http/document.interceptor';
import { ProblemFilter } from './boundary/http/problem.filter';
import { CheckpointsController } from './checkpoints/checkpoints.controller';
import { CheckpointsRepository } from './checkpoints/checkpoints.repository';
import { CheckpointsService } from './checkpoints/checkpoints.service';
import { ModelExportService } from './checkpoints/model-export.service';
import { ModelImportService } from './checkpoints/model-import.service';
import { ClusterModule } from './cluster.module';
import { DatasetPreviewService } from './datasets/dataset-preview.service';
import { DatasetsController } from './datasets/datasets.controller';
import { DatasetsService } from './datasets/datasets.service';
import { EventStreamService } from './events/event-stream.service';
import { LiveFeedService } from './events/live/live-feed.service';
import { TopicStreamService } from './events/topic-stream.service';
import { EventsController } from './events/events.controller';
import { FoundationModule, type FoundationOptions } from './foundation.module';
import { GenerateController } from './generate/generate.controller';
import { HealthController } from './health/health.controller';
import { QueueReadiness } from './health/queue-readiness';
import { ReadinessService } from './health/readiness.service';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor';
import { IdempotencyRepository } from './idempotency/idempotency.repository';
import { LogsController } from './logs/logs.controller';
import { MetricsController } from './metrics/metrics.controller';
import { DocsController } from './openapi/docs.controller';
import { OpenApiController } from './openapi/openapi.controller';
import { OverviewController } from './overview/overview.controller';
import { OverviewRepository } from './overview/overview.repository';
import { RunsController } from './runs/runs.controller';
import { SessionController } from './sign-in/session.controller';
import { SignInService } from './sign-in/sign-in.service';
import { WebSessionsRepository } from './sign-in/web-sessions.repository';
import { TelemetryController } from './telemetry/telemetry.controller';
import { TimelineController } from './timeline/timeline.controller';

const CONTROLLERS = [
  HealthController,
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
/** In the order in which they act: who asks, how often, what is sent, was it sent before. */
const BOUNDARY = [
  { provide: APP_FILTER, useClass: ProblemFilter },
  { provide: APP_GUARD, useClass: AuthGuard },
  { provide: APP_GUARD, useClass: RateLimitGuard },
  { provide: APP_INTERCEPTOR, useClass: DocumentInterceptor },
  { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
];
const SERVICES = [
  IdempotencyRepository,
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
