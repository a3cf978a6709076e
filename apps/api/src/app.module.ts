import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AgentsController } from './agents/agents.controller';
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
import { DatasetsController } from './datasets/datasets.controller';
import { DatasetsService } from './datasets/datasets.service';
import { EventStreamService } from './events/event-stream.service';
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
import { OpenApiController } from './openapi/openapi.controller';
import { RunsController } from './runs/runs.controller';
import { TelemetryController } from './telemetry/telemetry.controller';
import { TimelineController } from './timeline/timeline.controller';

const CONTROLLERS = [
  HealthController,
  OpenApiController,
  DatasetsController,
  RunsController,
  EventsController,
  LogsController,
  MetricsController,
  TimelineController,
  CheckpointsController,
  GenerateController,
  AgentsController,
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
  DatasetsService,
  UploadSpool,
  CheckpointsRepository,
  CheckpointsService,
  ModelExportService,
  ModelImportService,
  ReadinessService,
  QueueReadiness,
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
