import type { agentV1 } from '@millrace/contracts';
import type { Clock, Logger } from '@millrace/core';
import type { AgentConfig } from '../config/agent-config';
import type { AgentHome } from '../config/agent-home';
import { applyEnvironment, mayHaveHardware, selectionEnvironment } from '../config/driver-environment';
import { deviceMemoryBytes } from '../telemetry/device-memory';
import { isNvidia } from '../telemetry/nvidia-reading';
import type { DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { type DeviceIdentity, deviceIdentity, type IdentityFacts, isOther } from './device-identity';
import { type DeviceProof, proveDevice } from './device-proof';
import { gpuText, type HostGpu, hostGpus } from './host-gpus';
import { openDevice } from './open-device';
import { type ChosenDevice, chosenDevice } from './wanted-device';

/** The GPU that an agent should take, before it is opened. */
export interface OwnDevice {
  readonly gpus: readonly HostGpu[];
  readonly chosen: ChosenDevice;
  readonly selected: boolean;
}

/**
 * Chooses the GPU and sets the variables that the driver reads when it is loaded. @throws AppError AGENT.DEVICE_UNKNOWN
 */
export async function chooseDevice({ device }: AgentConfig): Promise<OwnDevice> {
  const gpus = mayHaveHardware() ? await hostGpus() : [];
  const chosen = chosenDevice(device, gpus);
  const variables = chosen.gpu === undefined || gpus.length < 2 ? {} : selectionEnvironment(chosen.gpu.pciAddress);
  applyEnvironment(variables);
  return { gpus, chosen, selected: Object.keys(variables).length > 0 };
}

export interface DeviceParts {
  readonly config: AgentConfig;
  readonly home: AgentHome;
  readonly own: OwnDevice;
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  readonly version: string;
  readonly logger: Logger;
}

export interface OpenedDevice {
  readonly report: DeviceReport;
  readonly identity: DeviceIdentity;
}

/** Opens, measures and identifies the agent's device. @throws AppError AGENT.DEVICE_WRONG, RUNTIME.* */
export async function reportDevice({
  config,
  home,
  own,
  startThread,
  clock,
  version,
  logger,
}: DeviceParts): Promise<OpenedDevice> {
  let proof: DeviceProof | undefined;
  const probed = await openDevice(config, {
    startThread,
    clock,
    known: home.deviceReport(version),
    whileOpen: async ({ adapter }) => {
      if (adapter.adapterClass === 'gpu') proof = await proveDevice(isNvidia(adapter), { pid: process.pid });
    },
  });
  home.keepDeviceReport(probed, version);
  const facts: IdentityFacts = { ...own, adapter: probed.adapter, proof };
  const identity = deviceIdentity(facts);
  if (isOther(facts, identity)) {
    const present = own.gpus.map(gpuText).join('; ');
    logger.warn(
      { ...identity, asked: config.device },
      `the driver opened another GPU than number ${config.device} of ${present}`,
    );
  }
  const report = pacedReport(probed, config.pacedGflops);
  if (report !== probed)
    logger.warn({}, 'MILLRACE_PACED_GFLOPS is set: this agent computes nothing, and its losses are zero');
  const { adapter, quarantined, speed } = report;
  logger.info({ adapter: adapter.description, ...identity, quarantined, ...speed }, 'the device is ready');
  return { report, identity };
}

/** The report of a device that only seems to compute, which tells the planner and people its pretended speed. */
function pacedReport(probed: DeviceReport, gflops: number | undefined): DeviceReport {
  if (gflops === undefined) return probed;
  const { adapter } = probed;
  const description = `paced at ${gflops} GFLOP/s, computes nothing (${adapter.description})`;
  return { ...probed, adapter: { ...adapter, description }, speed: { matmulGflops: gflops, memoryGBps: 0 } };
}

/** The UUID or PCI address by which nvidia-smi and the kernel know the GPU. */
export function gpuIdOf({ uuid, pciAddress }: DeviceIdentity, { gpuId }: AgentConfig): string | undefined {
  return gpuId ?? (uuid || pciAddress || undefined);
}

export interface DeviceMessages {
  readonly adapter: agentV1.Adapter;
  readonly benchmark: agentV1.Benchmark;
}

export async function deviceMessages(
  { report: { adapter, speed, quarantined }, identity }: OpenedDevice,
  config: AgentConfig,
): Promise<DeviceMessages> {
  const { vendor, architecture, device, description, adapterClass, features, limits } = adapter;
  // In the message 0 means unknown.
  const memoryBytes = (await deviceMemoryBytes({ adapter: { ...adapter, gpuId: gpuIdOf(identity, config) } })) ?? 0;
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
      uuid: identity.uuid,
      pciAddress: identity.pciAddress,
      deviceProof: identity.proof,
    },
    benchmark: { matmulGflops: speed.matmulGflops, memoryGbps: speed.memoryGBps },
  };
}
