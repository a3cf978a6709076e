import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { randomText, silentLogger, systemClock } from '@millrace/core';
import { openCpuBackend } from '@millrace/runtime';
import { Agent } from '../src/agent';
import { BlobCache } from '../src/blobs/blob-cache';
import { DataPlane } from '../src/data-plane/data-plane';
import { DEFAULT_LINK_LIMITS } from '../src/data-plane/link/frame-channel';
import { BlobClient } from '../src/grpc/blob-client';
import { ExchangeDialer } from '../src/grpc/exchange/exchange-dialer';
import { ExchangeServer } from '../src/grpc/exchange/exchange-server';
import { channelCredentials } from '../src/grpc/grpc-options';
import { GrpcSessionDialer } from '../src/grpc/session-dialer';
import type { Tune } from '../src/profile/start-tuning';
import type { TelemetrySource } from '../src/telemetry/telemetry-source';
import type { StartGpuThread } from '../src/worker/gpu-thread';
import { runGpuTask } from '../src/worker/run-gpu-task';
import type { FromWorker } from '../src/worker/worker-messages';

/** GPU threads that are no threads: the same code on the CPU twins, over a real message channel. */
export function testThreads(tune?: Tune): StartGpuThread {
  return (task, onMessage) => {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (message: FromWorker) => onMessage(message));
    const done = runGpuTask({
      end: port2,
      task,
      openBackend: () => Promise.resolve(openCpuBackend()),
      probe: () => Promise.resolve(),
      ...(tune && { tune }),
      clock: systemClock,
      collectGarbage: () => undefined,
    }).finally(() => port2.close());
    return {
      post: (message, transfer = []) => port1.postMessage(message, [...transfer]),
      silentMs: () => 0,
      stop: async () => {
        port1.postMessage({ type: 'stop' });
        await done;
        port1.close();
      },
    };
  };
}

export const startTestThread: StartGpuThread = testThreads();

export interface TestAgent {
  readonly id: string;
  readonly address: string;
  readonly agent: Agent;
  readonly exited: Promise<number>;
  readonly cacheFolder: string;
  stop(): Promise<void>;
}

interface TestAgentOptions {
  readonly token?: string;
  readonly startThread?: StartGpuThread;
  readonly telemetry?: TelemetrySource;
}

const NO_TELEMETRY: TelemetrySource = { start: () => undefined, stop: () => undefined };

/** An agent of this process with its own sockets. */
export async function startTestAgent(
  id: string,
  apiAddress: string,
  { token = 'good', startThread = startTestThread, telemetry = NO_TELEMETRY }: TestAgentOptions = {},
): Promise<TestAgent> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-agent-'));
  const dialer = new ExchangeDialer();
  const dataPlane = new DataPlane({
    dialer,
    limits: DEFAULT_LINK_LIMITS,
    clock: systemClock,
    random: () => 0.5,
    logger: silentLogger,
  });
  const server = new ExchangeServer(dataPlane, silentLogger);
  const address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  const api = { address: apiAddress, credentials: channelCredentials(undefined), token };
  const blobs = new BlobClient({ ...api, now: () => systemClock.now() });
  const sessionDialer = new GrpcSessionDialer(api);
  const agent = new Agent({
    identity: {
      agentId: id,
      host: 'test',
      device: 0,
      version: 'test',
      dataAddress: address,
      adapter: undefined,
      benchmark: undefined,
      labels: {},
    },
    device: { quarantined: [] },
    dialer: sessionDialer,
    dataPlane,
    startThread,
    blobs,
    telemetry,
    cache: new BlobCache({
      folder: join(home, 'cache'),
      blobs,
      clock: systemClock,
      random: () => 0.5,
      newName: () => randomText(10),
    }),
    clock: systemClock,
    random: () => 0.5,
    logger: silentLogger,
  });
  const exited = agent.run();
  return {
    id,
    address,
    agent,
    exited,
    cacheFolder: join(home, 'cache'),
    stop: async () => {
      agent.signal('SIGTERM');
      await exited;
      server.close();
      dialer.close();
      blobs.close();
      sessionDialer.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
