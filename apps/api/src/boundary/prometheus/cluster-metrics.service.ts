import { RUN_STATES } from '@millrace/core';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { currentTelemetry } from '../../ledger/agents/agent-body';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { QueueService } from '../queue/queue.service';
import { SessionRegistry } from '../../ledger/sessions/session-registry';
import { BoundedLabel } from '../../ground/prometheus/bounded-label';
import { ClusterCountsRepository } from './cluster-counts.repository';
import { DeviceMetrics } from '../../ground/prometheus/device-metrics';
import { PrometheusService } from '../../ground/prometheus/prometheus.service';

/**
 * The state of the cluster, which is read when Prometheus asks. All replicas report the same about what is in the
 * database.
 */
@Injectable()
export class ClusterMetricsService implements OnApplicationBootstrap {
  private readonly gauges: ClusterGauges;
  private readonly devices: DeviceMetrics;
  private readonly queues = new BoundedLabel();

  constructor(
    private readonly prometheus: PrometheusService,
    private readonly counts: ClusterCountsRepository,
    private readonly agentRows: AgentsRepository,
    private readonly registry: SessionRegistry,
    private readonly queue: QueueService,
  ) {
    this.gauges = clusterGauges(prometheus);
    this.devices = new DeviceMetrics(prometheus.registry);
  }

  onApplicationBootstrap(): void {
    this.prometheus.beforeScrape(() => this.collect());
  }

  private async collect(): Promise<void> {
    await Promise.all([this.collectCounts(), this.collectDevices(), this.collectJobs()]);
    this.gauges.sessions.set(this.registry.all().length);
  }

  private async collectCounts(): Promise<void> {
    const { runs, agents, leases, pending, admitted } = await this.counts.read();
    for (const state of RUN_STATES) this.gauges.runs.set({ state }, runs.get(state) ?? 0);
    for (const [state, count] of agents) this.gauges.agents.set({ state }, count);
    this.gauges.leases.set(leases);
    this.gauges.pending.reset();
    for (const { queue, status, count } of pending)
      this.gauges.pending.inc({ queue: this.queues.of(queue), status }, count);
    this.gauges.admitted.reset();
    for (const { queue, count } of admitted) this.gauges.admitted.inc({ queue: this.queues.of(queue) }, count);
  }

  private async collectDevices(): Promise<void> {
    const connected = (await this.agentRows.all()).filter((agent) => agent.connected);
    this.devices.show(
      connected.map((agent) => ({
        host: agent.host,
        device: agent.device,
        silentMs: Math.max(0, agent.readAt.getTime() - agent.lastSeenAt.getTime()),
        telemetry: currentTelemetry(agent) ?? undefined,
      })),
    );
  }

  private async collectJobs(): Promise<void> {
    for (const [state, count] of Object.entries(await this.queue.depth())) this.gauges.jobs.set({ state }, count);
  }
}

type ClusterGauges = ReturnType<typeof clusterGauges>;

function clusterGauges(to: PrometheusService) {
  return {
    runs: to.gauge('millrace_runs', 'Runs by state.', ['state']),
    pending: to.gauge(
      'millrace_pending_workloads',
      'Runs that wait for devices; inadmissible ones would wait for ever for devices that do not exist.',
      ['queue', 'status'],
    ),
    admitted: to.gauge('millrace_admitted_active_workloads', 'Runs that have devices.', ['queue']),
    agents: to.gauge('millrace_agents', 'Agents that registered, by state.', ['state']),
    sessions: to.gauge('millrace_sessions', 'Sessions of agents that this replica of the API holds.'),
    leases: to.gauge('millrace_leases', 'Devices that are leased to an attempt or a generation.'),
    jobs: to.gauge('millrace_queue_jobs', 'Jobs of the command queue (BullMQ) by state: its depth.', ['state']),
  };
}
