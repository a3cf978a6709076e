import { pino } from 'pino';
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
import { DeviceTelemetrySource } from './telemetry/telemetry-source';
import type { DeviceChoice } from './worker/gpu-task';
import { FreedMemory } from './memory/freed-memory';
import { gpuThreadStarter } from './worker/gpu-thread';
import { hostGpus } from './device/host-gpus';
import { describeDevice } from './device/open-device';
import { chooseDevice, deviceMessages, gpuIdOf, type OpenedDevice, reportDevice } from './device/report-device';

const VERSION = '0.1.0';
/** What was written to sockets gets this long to be sent before the process ends. */
const LAST_WRITES_MS = 100;
/** Including the ten seconds in which a thread that hangs is given up, it is less than `doctor` waits for. */
const DESCRIBE_MS_MAX = 45_000;

/** `--gpus`: prints the GPUs of this machine, in the order of their numbers, for `millrace up --agents auto`. */
async function listGpus(): Promise<number> {
  process.stdout.write(`${JSON.stringify({ gpus: await hostGpus() })}\n`);
  return 0;
}

/** `--describe`: prints the adapter this machine would train on, for `millrace doctor`. */
async function printDevice(): Promise<number> {
  const adapter = await describeDevice(readDeviceConfig(), {
    // The reason is printed first.
    startThread: gpuThreadStarter({ clock: systemClock, onWedged: () => setTimeout(endProcess, LAST_WRITES_MS) }),
    clock: systemClock,
    limitMs: DESCRIBE_MS_MAX,
  });
  process.stdout.write(`${JSON.stringify(adapter)}\n`);
  return 0;
}

function endWedged(logger: Logger): void {
  logger.error({}, 'a GPU thread hangs in its driver and cannot be ended: this process ends, to be started anew');
  // The report of what ended is sent first.
  setTimeout(endProcess, LAST_WRITES_MS);
}

/** Ends this process with a signal: process.exit waits for a thread that is in native code. */
function endProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

function agentLogger({ logLevel, logFd }: AgentConfig): Logger {
  return pino({ level: logLevel, base: { app: 'agent' } }, pino.destination({ fd: logFd, sync: true }));
}

async function main(): Promise<number> {
  const config = readAgentConfig();
  const logger = agentLogger(config);
  // The supervisor holds the other end of stdin, which closes when the supervisor ends, whatever ended it.
  let onSupervisorGone = (): void => process.exit(0);
  if (config.supervised) process.stdin.resume().once('end', () => onSupervisorGone());
  const home = AgentHome.open(config.home);
  // The token is checked before the device, which takes a while to measure, so that a wrong one is told at once.
  const own = await chooseDevice(config);
  const { index } = own.chosen;
  const token = await ownCredential(config, { home, device: index, logger });
  const startThread = gpuThreadStarter({
    clock: systemClock,
    silentMs: config.gpuThreadSilentMs,
    onWedged: () => endWedged(logger),
    memory: new FreedMemory(systemClock),
  });
  const opened = await reportDevice({ config, home, own, startThread, clock: systemClock, version: VERSION, logger });
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
      device: index,
      version: VERSION,
      dataAddress,
      labels: { ...config.labels },
      ...(await deviceMessages(opened, config)),
    },
    device: deviceChoice(config, opened),
    dialer: sessionDialer,
    dataPlane,
    startThread,
    cache,
    blobs,
    telemetry: telemetryOf(opened, config, logger),
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

/** What every thread is told about the device that it opens. */
function deviceChoice(config: AgentConfig, { report: { quarantined, speed } }: OpenedDevice): DeviceChoice {
  const { adapter, pacedGflops, faults } = config;
  return {
    quarantined,
    ...(adapter === undefined ? {} : { adapterName: adapter }),
    // The speed that a paced device pretends to have is not the speed of the device behind it.
    ...(pacedGflops === undefined ? { speed } : { pacedGflops }),
    ...(faults.length === 0 ? {} : { faults }),
  };
}

function telemetryOf({ report, identity }: OpenedDevice, config: AgentConfig, logger: Logger): DeviceTelemetrySource {
  const adapter = { ...report.adapter, gpuId: gpuIdOf(identity, config) };
  return new DeviceTelemetrySource({ adapter, clock: systemClock, logger });
}

/** Listens on all interfaces only if the agent advertises an address that is not loopback. */
async function listen(config: AgentConfig, home: AgentHome, server: ExchangeServer): Promise<string> {
  const advertised = splitHostPort(config.advertise ?? '127.0.0.1');
  const host = listeningHost(advertised.host);
  const wanted = config.dataPort === 0 ? home.dataPort() : config.dataPort;
  const port = await server.listen(host, wanted).catch((error: unknown) => {
    // If the port was only remembered from the last start, another program may have it by now: any free one will do.
    if (config.dataPort !== 0 || wanted === 0) throw error;
    return server.listen(host, 0);
  });
  home.keepDataPort(port);
  return hostPort(advertised.host, advertised.port ?? port);
}

function task(): Promise<number> {
  if (process.argv.includes('--describe')) return printDevice();
  return process.argv.includes('--gpus') ? listGpus() : main();
}

task().then(
  (exitCode) => setTimeout(() => process.exit(exitCode), LAST_WRITES_MS),
  (error: unknown) => {
    process.stderr.write(
      `${JSON.stringify({ level: 60, app: 'agent', msg: describeError(error), stack: error instanceof AppError ? undefined : (error as Error).stack })}\n`,
    );
    process.exit(1);
  },
);
