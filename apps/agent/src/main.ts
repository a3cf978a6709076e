import { pino } from 'pino';
import { type agentV1 } from '@millrace/contracts';
import { AppError, describeError, hostPort, type Logger, randomText, splitHostPort, systemClock } from '@millrace/core';
import { Agent } from './agent';
import { BlobCache } from './blobs/blob-cache';
import { AgentHome } from './config/agent-home';
import { type AgentConfig, cacheFolder, readAgentConfig, readDeviceConfig } from './config/agent-config';
import { DataPlane } from './data-plane/data-plane';
import { DEFAULT_LINK_LIMITS } from './data-plane/link/frame-channel';
import { BlobClient } from './grpc/blob-client';
import { ExchangeDialer } from './grpc/exchange/exchange-dialer';
import { ExchangeServer, listeningHost } from './grpc/exchange/exchange-server';
import { channelCredentials } from './grpc/grpc-options';
import { GrpcSessionDialer } from './grpc/session-dialer';
import { ownCredential } from './own-credential';
import { deviceMemoryBytes } from './telemetry/device-memory';
import { DeviceTelemetrySource } from './telemetry/telemetry-source';
import type { DeviceReport } from './worker/gpu-task';
import { gpuThreadStarter, type StartGpuThread } from './worker/gpu-thread';
import { openDevice } from './device/open-device';

const VERSION = '0.1.0';
/** What was written to sockets gets this long to leave. */
const LAST_WRITES_MS = 100;

/** `--describe`: prints the adapter this machine would train on, for `millrace doctor`. */
async function describeDevice(): Promise<number> {
  const { adapter } = await openDevice(readDeviceConfig(), {
    startThread: gpuThreadStarter({ clock: systemClock, onWedged: endProcess }),
    known: undefined,
  });
  process.stdout.write(`${JSON.stringify(adapter)}\n`);
  return 0;
}

/** What the planner and people are told of a device that only seems to compute. */
function pacedReport(probed: DeviceReport, gflops: number | undefined): DeviceReport {
  if (gflops === undefined) return probed;
  const { adapter } = probed;
  const description = `paced at ${gflops} GFLOP/s, computes nothing (${adapter.description})`;
  return { ...probed, adapter: { ...adapter, description }, speed: { matmulGflops: gflops, memoryGBps: 0 } };
}

interface DeviceParts {
  readonly config: AgentConfig;
  readonly home: AgentHome;
  readonly startThread: StartGpuThread;
  readonly logger: Logger;
}

async function reportDevice({ config, home, startThread, logger }: DeviceParts): Promise<DeviceReport> {
  const probed = await openDevice(config, { startThread, known: home.deviceReport(VERSION) });
  home.keepDeviceReport(probed, VERSION);
  const report = pacedReport(probed, config.pacedGflops);
  if (report !== probed)
    logger.warn({}, 'MILLRACE_PACED_GFLOPS is set: this agent computes nothing, and its losses are zero');
  logger.info(
    { adapter: report.adapter.description, quarantined: report.quarantined, ...report.speed },
    'device ready',
  );
  return report;
}

function endWedged(logger: Logger): void {
  logger.error({}, 'a GPU thread hangs in its driver and cannot be ended: this process ends, to be started anew');
  // The report of what ended goes out first.
  setTimeout(endProcess, LAST_WRITES_MS);
}

/** A thread in native code keeps process.exit from coming to its end. */
function endProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function main(): Promise<number> {
  const config = readAgentConfig();
  const logger: Logger = pino(
    { level: config.logLevel, base: { app: 'agent' } },
    pino.destination({ fd: 2, sync: true }),
  );
  // The supervisor holds the other end of stdin: it closes when the supervisor is gone, however that came about.
  let onSupervisorGone = (): void => process.exit(0);
  if (config.supervised) process.stdin.resume().once('end', () => onSupervisorGone());
  const home = AgentHome.open(config.home);
  // Before the device, which takes a while to measure: whoever gave a wrong token hears of it at once.
  const token = await ownCredential(config, home, logger);
  const startThread = gpuThreadStarter({ clock: systemClock, onWedged: () => endWedged(logger) });
  const report = await reportDevice({ config, home, startThread, logger });
  const dialer = new ExchangeDialer();
  const dataPlane = new DataPlane({
    dialer,
    limits: DEFAULT_LINK_LIMITS,
    clock: systemClock,
    random: Math.random,
    logger,
  });
  const server = new ExchangeServer(dataPlane, logger);
  const dataAddress = await listen(config, home, server);
  const api = { address: config.join, credentials: channelCredentials(config.tlsCa), token };
  const blobs = new BlobClient({ ...api, now: () => systemClock.now() });
  const cache = new BlobCache({
    folder: cacheFolder(config),
    blobs,
    clock: systemClock,
    random: Math.random,
    newName: () => randomText(10),
  });
  await Promise.all([cache.removeParts(), cache.clearBlocks()]);
  const sessionDialer = new GrpcSessionDialer(api);
  const agent = new Agent({
    identity: {
      agentId: home.agentId(),
      host: config.host,
      device: config.device,
      version: VERSION,
      dataAddress,
      labels: { ...config.labels },
      ...(await deviceMessages(report, config)),
    },
    device: {
      quarantined: report.quarantined,
      ...(config.adapter === undefined ? {} : { adapterName: config.adapter }),
      ...(config.pacedGflops === undefined ? {} : { pacedGflops: config.pacedGflops }),
    },
    dialer: sessionDialer,
    dataPlane,
    startThread,
    cache,
    blobs,
    telemetry: telemetryOf(report, config, logger),
    clock: systemClock,
    random: Math.random,
    logger,
  });
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => agent.signal(name));
  onSupervisorGone = () => agent.signal('SIGTERM');
  process.stdout.write(`${JSON.stringify({ dataAddress, agentId: home.agentId() })}\n`);
  const exitCode = await agent.run();
  server.close();
  dialer.close();
  blobs.close();
  sessionDialer.close();
  return exitCode;
}

function telemetryOf({ adapter }: DeviceReport, { gpuId }: AgentConfig, logger: Logger): DeviceTelemetrySource {
  return new DeviceTelemetrySource({ adapter: { ...adapter, gpuId }, clock: systemClock, logger });
}

/** On all interfaces only if others are told of an address that is not this machine's own. */
async function listen(config: AgentConfig, home: AgentHome, server: ExchangeServer): Promise<string> {
  const advertised = splitHostPort(config.advertise ?? '127.0.0.1');
  const host = listeningHost(advertised.host);
  const wanted = config.dataPort === 0 ? home.dataPort() : config.dataPort;
  const port = await server.listen(host, wanted).catch((error: unknown) => {
    // A port that was only remembered may belong to somebody else by now.
    if (config.dataPort !== 0 || wanted === 0) throw error;
    return server.listen(host, 0);
  });
  home.keepDataPort(port);
  return hostPort(advertised.host, advertised.port ?? port);
}

interface DeviceMessages {
  readonly adapter: agentV1.Adapter;
  readonly benchmark: agentV1.Benchmark;
}

async function deviceMessages(
  { adapter, speed, quarantined }: DeviceReport,
  { gpuId }: AgentConfig,
): Promise<DeviceMessages> {
  const { vendor, architecture, device, description, adapterClass, features, limits } = adapter;
  // The message has no other word for unknown than 0.
  const memoryBytes = (await deviceMemoryBytes({ adapter: { ...adapter, gpuId } })) ?? 0;
  return {
    adapter: {
      vendor,
      architecture,
      device,
      description,
      adapterClass,
      features: [...features],
      limits: { ...limits },
      memoryBytes,
      quarantined: [...quarantined],
      uuid: '',
      pciAddress: '',
      deviceProof: '',
    },
    benchmark: { matmulGflops: speed.matmulGflops, memoryGbps: speed.memoryGBps },
  };
}

(process.argv.includes('--describe') ? describeDevice() : main()).then(
  (exitCode) => setTimeout(() => process.exit(exitCode), LAST_WRITES_MS),
  (error: unknown) => {
    process.stderr.write(
      `${JSON.stringify({ level: 60, app: 'agent', msg: describeError(error), stack: error instanceof AppError ? undefined : (error as Error).stack })}\n`,
    );
    process.exit(1);
  },
);
