import { Module } from '@nestjs/common';
import { AgentEnrolmentService } from './requests/agents/agent-enrolment.service';
import { AgentPresenceService } from './ledger/agents/agent-presence.service';
import { AgentsRepository } from './ledger/agents/agents.repository';
import { AgentsService } from './requests/agents/agents.service';
import { SetAsideService } from './ledger/attempts/set-aside.service';
import { RemovedRunsRepository } from './ledger/expiry/removed-runs.repository';
import { RemovedRunsService } from './ledger/expiry/removed-runs.service';
import { AttemptEndingsService } from './ledger/attempts/attempt-endings.service';
import { AttemptProgressService } from './ledger/attempts/attempt-progress.service';
import { AttemptReattachService } from './ledger/attempts/attempt-reattach.service';
import { AttemptReportsService } from './ledger/attempts/attempt-reports.service';
import { AttemptRanksService } from './ledger/attempts/attempt-ranks.service';
import { AttemptsRepository } from './ledger/runs/attempts.repository';
import { BoundaryRequestsService } from './ledger/runs/boundary-requests.service';
import { LeaseTerm } from './ledger/attempts/lease-term';
import { LateStartsService } from './ledger/attempts/late-starts.service';
import { LeaseSweeperService } from './ledger/attempts/lease-sweeper.service';
import { LeasesRepository } from './ledger/runs/leases.repository';
import { StageWaitsService } from './ledger/attempts/stage-waits.service';
import { BlockCollectorService } from './ledger/checkpoint-keeping/block-collector.service';
import { BlobReadersRepository } from './ledger/blocks/blob-readers.repository';
import { BlockHoldsRepository } from './ledger/blocks/block-holds.repository';
import { BlockUploadService } from './ledger/checkpoint-keeping/block-upload.service';
import { CheckpointPublisherService } from './ledger/checkpoint-keeping/checkpoint-publisher.service';
import { CheckpointThreads } from './ledger/checkpoint-keeping/checkpoint-threads';
import { CheckpointReportsService } from './ledger/checkpoint-keeping/checkpoint-reports.service';
import { FreedBlocksRepository } from './ledger/blocks/freed-blocks.repository';
import { CheckpointWritesRepository } from './ledger/blocks/checkpoint-writes.repository';
import { RetentionService } from './ledger/checkpoint-keeping/retention.service';
import { GenerateService } from './requests/generate/generate.service';
import { GenerationGangService } from './requests/generate/generation-gang.service';
import { GenerationLeasesService } from './requests/generate/generation-leases.service';
import { GenerationTasks } from './ledger/agents/generation-tasks';
import { PromptTokenizerService } from './requests/generate/prompt-tokenizer.service';
import { AgentServiceAdapter } from './boundary/grpc/agent-service.adapter';
import { BlobServiceAdapter } from './boundary/grpc/blob-service.adapter';
import { GrpcCaller } from './boundary/grpc/grpc-caller';
import { GrpcServer } from './boundary/grpc/grpc-server';
import { HealthServiceAdapter } from './boundary/grpc/health-service.adapter';
import { LearnedLayersService } from './planning/profiling/learned-layers.service';
import { PlanReviewService } from './planning/plans/plan-review.service';
import { PlanningKnowledgeService } from './planning/plans/planning-knowledge.service';
import { ClusterMetricsService } from './boundary/prometheus/cluster-metrics.service';
import { GrpcServices } from './boundary/grpc/grpc-services';
import { ReflectionServiceAdapter } from './boundary/grpc/reflection/reflection-service.adapter';
import { CallLimits } from './boundary/grpc/limits/call-limits';
import { RunAccess } from './boundary/grpc/runs/run-access';
import { RunServiceAdapter } from './boundary/grpc/runs/run-service.adapter';
import { RunWatchesService } from './boundary/grpc/runs/run-watches.service';
import { PlanComparisonsService } from './planning/plans/plan-comparisons.service';
import { PlanningThreads } from './planning/plans/planning-threads';
import { RunPlansService } from './planning/plans/run-plans.service';
import { LayerProfilesRepository } from './planning/profiling/layer-profiles.repository';
import { KernelChoicesRepository } from './planning/profiling/kernel-choices.repository';
import { LinkProfilesRepository } from './planning/profiling/link-profiles.repository';
import { ProfileRequestsService } from './planning/profiling/profile-requests.service';
import { StartMeasurementsService } from './planning/profiling/start-measurements.service';
import { AttemptPlansService } from './planning/scheduling/attempt-plans.service';
import { ClusterSignals } from './ground/events/cluster-signals';
import { ExpiredRecordsRepository } from './ledger/expiry/expired-records.repository';
import { ExpiredRecordsService } from './ledger/expiry/expired-records.service';
import { MetricThinningRepository } from './ledger/expiry/metric-thinning.repository';
import { IdempotencyRepository } from './requests/idempotency/idempotency.repository';
import { QueueCommandsService } from './boundary/queue/queue-commands.service';
import { QueueService } from './boundary/queue/queue.service';
import { RunActionsService } from './requests/runs/run-actions.service';
import { RunAdmissionService } from './requests/runs/run-admission.service';
import { RunDatasetsRepository } from './ledger/datasets/run-datasets.repository';
import { RunLedger } from './ledger/runs/run-ledger';
import { RunRemovalService } from './requests/runs/run-removal.service';
import { RunTransitionsService } from './ledger/runs/run-transitions.service';
import { RunsRepository } from './ledger/runs/runs.repository';
import { RunsService } from './requests/runs/runs.service';
import { DryRunService } from './requests/runs/dry-run.service';
import { GangPlacementService } from './planning/scheduling/gang-placement.service';
import { ResumeSourceService } from './planning/scheduling/resume-source.service';
import { RunShapesService } from './planning/plans/run-shapes.service';
import { RunQueueService } from './planning/scheduling/run-queue.service';
import { FittingChangesService } from './planning/scheduling/fitting-changes.service';
import { PlacementPlannerService } from './planning/scheduling/placement-planner.service';
import { SchedulingService } from './planning/scheduling/scheduling.service';
import { AttemptStartsService } from './intake/sessions/commands/attempt-starts.service';
import { CommandDispatcherService } from './intake/sessions/commands/command-dispatcher.service';
import { MessageAdmissionService } from './intake/messages/message-admission.service';
import { CommandOutcomesService } from './intake/messages/command-outcomes.service';
import { HeartbeatsService } from './intake/messages/heartbeats.service';
import { RunningAttemptsService } from './intake/sessions/running-attempts.service';
import { SessionMessagesService } from './intake/messages/session-messages.service';
import { SessionsService } from './intake/sessions/sessions.service';
import { SessionRegistrationService } from './intake/sessions/session-registration.service';
import { SessionRegistry } from './ledger/sessions/session-registry';
import { MetricsAndLogsService } from './intake/messages/metrics-and-logs.service';
import { TelemetryRepository } from './ledger/telemetry/telemetry.repository';
import { TelemetryService } from './ledger/telemetry/telemetry.service';
import { TraceIntakeService } from './intake/messages/trace-intake.service';
import { TimelineService } from './live/timeline/timeline.service';
import { TraceStore } from './ground/tracing/trace-store';

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
  AttemptRanksService,
  LeasesRepository,
  AttemptProgressService,
  AttemptEndingsService,
  AttemptReportsService,
  AttemptReattachService,
  BoundaryRequestsService,
  SetAsideService,
  LeaseTerm,
  LateStartsService,
  LeaseSweeperService,
  StageWaitsService,
];
const CHECKPOINT_KEEPING = [
  CheckpointWritesRepository,
  BlockHoldsRepository,
  FreedBlocksRepository,
  BlobReadersRepository,
  BlockUploadService,
  RetentionService,
  CheckpointThreads,
  CheckpointPublisherService,
  CheckpointReportsService,
  BlockCollectorService,
];
const SCHEDULING = [
  ResumeSourceService,
  PlanningThreads,
  RunPlansService,
  FittingChangesService,
  PlacementPlannerService,
  PlanningKnowledgeService,
  RunShapesService,
  AttemptPlansService,
  GangPlacementService,
  RunQueueService,
  SchedulingService,
  DryRunService,
];
const PROFILING = [
  LayerProfilesRepository,
  LinkProfilesRepository,
  ProfileRequestsService,
  KernelChoicesRepository,
  StartMeasurementsService,
  LearnedLayersService,
  PlanComparisonsService,
  PlanReviewService,
];
const SESSIONS = [
  SessionRegistry,
  RunningAttemptsService,
  HeartbeatsService,
  CommandOutcomesService,
  MetricsAndLogsService,
  MessageAdmissionService,
  SessionMessagesService,
  SessionRegistrationService,
  SessionsService,
  AttemptStartsService,
  CommandDispatcherService,
];
const GENERATE = [
  GenerationTasks,
  GenerationGangService,
  GenerationLeasesService,
  PromptTokenizerService,
  GenerateService,
];
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

/** The control plane: sessions of agents, scheduling, the lives of runs and attempts, and checkpoints. */
@Module({
  providers: [
    ClusterSignals,
    ...RUNS,
    ...ATTEMPTS,
    ...CHECKPOINT_KEEPING,
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
    IdempotencyRepository,
    ExpiredRecordsRepository,
    RemovedRunsRepository,
    RemovedRunsService,
    ExpiredRecordsService,
    MetricThinningRepository,
    QueueCommandsService,
    QueueService,
    ClusterMetricsService,
    ...GRPC,
  ],
  exports: [
    RunsService,
    RunActionsService,
    RunRemovalService,
    DryRunService,
    AgentsService,
    GenerateService,
    TimelineService,
    TelemetryService,
    GrpcServer,
    QueueService,
    ClusterSignals,
    BlockHoldsRepository,
    IdempotencyRepository,
    RunsRepository,
    AttemptsRepository,
    SchedulingService,
    LeaseSweeperService,
    BlockCollectorService,
    AgentsRepository,
    TraceStore,
  ],
})
export class ClusterModule {}
