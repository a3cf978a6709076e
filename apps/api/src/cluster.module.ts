import { Module } from '@nestjs/common';
import { AgentEnrolmentService } from './agents/agent-enrolment.service';
import { AgentPresenceService } from './agents/agent-presence.service';
import { AgentsRepository } from './agents/agents.repository';
import { AgentsService } from './agents/agents.service';
import { AttemptEndingsService } from './attempts/attempt-endings.service';
import { AttemptProgressService } from './attempts/attempt-progress.service';
import { AttemptReattachService } from './attempts/attempt-reattach.service';
import { AttemptReportsService } from './attempts/attempt-reports.service';
import { AttemptsRepository } from './attempts/attempts.repository';
import { BoundaryRequestsService } from './attempts/boundary-requests.service';
import { LeaseSweeperService } from './attempts/lease-sweeper.service';
import { LeasesRepository } from './attempts/leases.repository';
import { StageWaitsService } from './attempts/stage-waits.service';
import { BlockCollectorService } from './checkpointing/block-collector.service';
import { BlockHoldsRepository } from './checkpointing/block-holds.repository';
import { BlockUploadService } from './checkpointing/block-upload.service';
import { CheckpointPublisherService } from './checkpointing/checkpoint-publisher.service';
import { CheckpointReportsService } from './checkpointing/checkpoint-reports.service';
import { CheckpointWritesRepository } from './checkpointing/checkpoint-writes.repository';
import { RetentionService } from './checkpointing/retention.service';
import { ClusterContext } from './cluster-context';
import { GenerateService } from './generate/generate.service';
import { GenerationGangService } from './generate/generation-gang.service';
import { GenerationTasks } from './generate/generation-tasks';
import { PromptTokenizerService } from './generate/prompt-tokenizer.service';
import { AgentServiceAdapter } from './grpc/agent-service.adapter';
import { BlobServiceAdapter } from './grpc/blob-service.adapter';
import { GrpcCaller } from './grpc/grpc-caller';
import { GrpcServer } from './grpc/grpc-server';
import { HealthServiceAdapter } from './grpc/health-service.adapter';
import { PlanReviewService } from './planning/plan-review.service';
import { PlannerReportsService } from './planning/planner-reports.service';
import { PlanningKnowledgeService } from './planning/planning-knowledge.service';
import { ClusterMetricsService } from './health/cluster-metrics.service';
import { GrpcServices } from './grpc/grpc-services';
import { ReflectionServiceAdapter } from './grpc/reflection/reflection-service.adapter';
import { CallLimits } from './grpc/limits/call-limits';
import { RunAccess } from './grpc/runs/run-access';
import { RunServiceAdapter } from './grpc/runs/run-service.adapter';
import { RunWatchesService } from './grpc/runs/run-watches.service';
import { RunPlansService } from './planning/run-plans.service';
import { LayerProfilesRepository } from './profiling/layer-profiles.repository';
import { LinkProfilesRepository } from './profiling/link-profiles.repository';
import { LinkReportsService } from './profiling/link-reports.service';
import { ProfileRequestsService } from './profiling/profile-requests.service';
import { ClusterSignals } from './queue/cluster-signals';
import { IdempotencyPurgeRepository } from './queue/idempotency-purge.repository';
import { QueueCommandsService } from './queue/queue-commands.service';
import { QueueService } from './queue/queue.service';
import { RunActionsService } from './runs/run-actions.service';
import { RunAdmissionService } from './runs/run-admission.service';
import { RunDatasetsRepository } from './runs/run-datasets.repository';
import { RunLedger } from './runs/run-ledger';
import { RunRemovalService } from './runs/run-removal.service';
import { RunTransitionsService } from './runs/run-transitions.service';
import { RunsRepository } from './runs/runs.repository';
import { RunsService } from './runs/runs.service';
import { DryRunService } from './scheduling/dry-run.service';
import { GangPlacementService } from './scheduling/gang-placement.service';
import { ResumeSourceService } from './scheduling/resume-source.service';
import { RunShapesService } from './scheduling/run-shapes.service';
import { RunQueueService } from './scheduling/run-queue.service';
import { SchedulingService } from './scheduling/scheduling.service';
import { CommandDispatcherService } from './sessions/commands/command-dispatcher.service';
import { CommandOutcomesService } from './sessions/commands/command-outcomes.service';
import { HeartbeatsService } from './sessions/heartbeats.service';
import { RunningAttemptsService } from './sessions/running-attempts.service';
import { SessionMessagesService } from './sessions/session-messages.service';
import { SessionOpeningService } from './sessions/session-opening.service';
import { SessionRegistry } from './sessions/session-registry';
import { TelemetryIngestService } from './sessions/telemetry-ingest.service';
import { TelemetryRepository } from './telemetry/telemetry.repository';
import { TelemetryService } from './telemetry/telemetry.service';
import { TraceIntakeService } from './tracing/trace-intake.service';
import { TimelineService } from './timeline/timeline.service';
import { TraceStore } from './timeline/trace-store';

const RUNS = [
  RunsRepository,
  RunDatasetsRepository,
  RunTransitionsService,
  RunLedger,
  RunAdmissionService,
  RunActionsService,
  RunRemovalService,
  RunsService,
];
const ATTEMPTS = [
  AttemptsRepository,
  LeasesRepository,
  AttemptProgressService,
  AttemptEndingsService,
  AttemptReportsService,
  AttemptReattachService,
  BoundaryRequestsService,
  LeaseSweeperService,
  StageWaitsService,
];
const CHECKPOINTING = [
  CheckpointWritesRepository,
  BlockHoldsRepository,
  BlockUploadService,
  RetentionService,
  CheckpointPublisherService,
  CheckpointReportsService,
  BlockCollectorService,
];
const SCHEDULING = [
  ResumeSourceService,
  RunPlansService,
  PlanningKnowledgeService,
  RunShapesService,
  GangPlacementService,
  RunQueueService,
  SchedulingService,
  DryRunService,
];
const PROFILING = [
  LayerProfilesRepository,
  LinkProfilesRepository,
  ProfileRequestsService,
  LinkReportsService,
  PlanReviewService,
  PlannerReportsService,
];
const SESSIONS = [
  SessionRegistry,
  RunningAttemptsService,
  HeartbeatsService,
  CommandOutcomesService,
  TelemetryIngestService,
  SessionMessagesService,
  SessionOpeningService,
  CommandDispatcherService,
];
const GENERATE = [GenerationTasks, GenerationGangService, PromptTokenizerService, GenerateService];
const GRPC = [
  GrpcCaller,
  CallLimits,
  AgentServiceAdapter,
  BlobServiceAdapter,
  HealthServiceAdapter,
  ReflectionServiceAdapter,
  GrpcServices,
  RunAccess,
  RunWatchesService,
  RunServiceAdapter,
  GrpcServer,
];

/** The control plane: agents' sessions, scheduling, the lives of runs and attempts, checkpoints. */
@Module({
  providers: [
    ClusterContext,
    ClusterSignals,
    ...RUNS,
    ...ATTEMPTS,
    ...CHECKPOINTING,
    ...SCHEDULING,
    ...PROFILING,
    ...SESSIONS,
    ...GENERATE,
    TraceStore,
    TraceIntakeService,
    TimelineService,
    TelemetryRepository,
    TelemetryService,
    AgentsRepository,
    AgentPresenceService,
    AgentEnrolmentService,
    AgentsService,
    IdempotencyPurgeRepository,
    QueueCommandsService,
    QueueService,
    ClusterMetricsService,
    ...GRPC,
  ],
  exports: [
    RunsService,
    AgentsService,
    GenerateService,
    TimelineService,
    TelemetryService,
    GrpcServer,
    QueueService,
    ClusterSignals,
    BlockHoldsRepository,
    RunsRepository,
    AttemptsRepository,
    SchedulingService,
    LeaseSweeperService,
    BlockCollectorService,
    AgentsRepository,
    TraceStore,
    ClusterContext,
  ],
})
export class ClusterModule {}
