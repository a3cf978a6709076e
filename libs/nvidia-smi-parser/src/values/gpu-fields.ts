import type { GpuFields } from '../nvidia-gpu';
import type { NvidiaSmiHost } from '../report';
import type { FieldTable } from './field-table';
import { field } from './field-table';
import {
  CELSIUS,
  COUNT,
  FAN_PERCENT,
  KB_PER_SECOND,
  LANES,
  MHZ,
  MIB,
  MILLIVOLTS,
  PERCENT,
  TEXT,
  WATTS,
  YES_NO,
} from './value-reader';

export const HOST_FIELDS: FieldTable<NvidiaSmiHost> = {
  timestamp: field(TEXT, 'timestamp', 'timestamp'),
  driverVersion: field(TEXT, 'driver_version', 'driver_version'),
  cudaVersion: field(TEXT, 'cuda_version'),
  attachedGpuCount: field(COUNT, 'attached_gpus', 'count'),
};

const IDENTITY = {
  uuid: field(TEXT, 'uuid', 'uuid gpu_uuid'),
  index: field(COUNT, '', 'index'),
  name: field(TEXT, 'product_name', 'name gpu_name'),
  brand: field(TEXT, 'product_brand'),
  architecture: field(TEXT, 'product_architecture'),
  serial: field(TEXT, 'serial', 'serial gpu_serial'),
  minorNumber: field(COUNT, 'minor_number'),
  vbiosVersion: field(TEXT, 'vbios_version', 'vbios_version'),
  gspFirmwareVersion: field(TEXT, 'gsp_firmware_version'),
  boardId: field(TEXT, 'board_id'),
  boardPartNumber: field(TEXT, 'board_part_number'),
  gpuPartNumber: field(TEXT, 'gpu_part_number'),
  gpuModuleId: field(COUNT, 'gpu_module_id'),
  inforomImageVersion: field(TEXT, 'inforom_version/img_version', 'inforom.img inforom.image'),
  multiGpuBoard: field(YES_NO, 'multigpu_board'),
};

const MODES = {
  displayModeEnabled: field(YES_NO, 'display_mode', 'display_mode'),
  displayActive: field(YES_NO, 'display_active', 'display_active'),
  persistenceModeEnabled: field(YES_NO, 'persistence_mode', 'persistence_mode'),
  accountingModeEnabled: field(YES_NO, 'accounting_mode', 'accounting.mode'),
  migModeEnabled: field(YES_NO, 'mig_mode/current_mig', 'mig.mode.current'),
  migModePendingEnabled: field(YES_NO, 'mig_mode/pending_mig', 'mig.mode.pending'),
  eccModeEnabled: field(YES_NO, 'ecc_mode/current_ecc', 'ecc.mode.current'),
  eccModePendingEnabled: field(YES_NO, 'ecc_mode/pending_ecc', 'ecc.mode.pending'),
  resetRequired: field(YES_NO, 'gpu_reset_status/reset_required', 'reset_status.reset_required'),
  drainAndResetRecommended: field(
    YES_NO,
    'gpu_reset_status/drain_and_reset_recommended',
    'reset_status.drain_and_reset_recommended',
  ),
  recoveryAction: field(TEXT, 'gpu_recovery_action', 'gpu_recovery_action'),
  addressingMode: field(TEXT, 'addressing_mode', 'addressing_mode'),
  computeMode: field(TEXT, 'compute_mode', 'compute_mode'),
  driverModel: field(TEXT, 'driver_model/current_dm', 'driver_model.current'),
  driverModelPending: field(TEXT, 'driver_model/pending_dm', 'driver_model.pending'),
  virtualizationMode: field(TEXT, 'gpu_virtualization_mode/virtualization_mode'),
  gpuOperationMode: field(TEXT, 'gpu_operation_mode/current_gom', 'gom.current'),
  fabricState: field(TEXT, 'fabric/state', 'fabric.state'),
  fabricStatus: field(TEXT, 'fabric/status', 'fabric.status'),
  performanceState: field(TEXT, 'performance_state', 'pstate'),
};

const UTILIZATION = {
  utilizationGpuPercent: field(PERCENT, 'utilization/gpu_util', 'utilization.gpu'),
  utilizationMemoryPercent: field(PERCENT, 'utilization/memory_util', 'utilization.memory'),
  utilizationEncoderPercent: field(PERCENT, 'utilization/encoder_util', 'utilization.encoder'),
  utilizationDecoderPercent: field(PERCENT, 'utilization/decoder_util', 'utilization.decoder'),
  utilizationJpegPercent: field(PERCENT, 'utilization/jpeg_util', 'utilization.jpeg'),
  utilizationOfaPercent: field(PERCENT, 'utilization/ofa_util', 'utilization.ofa'),
  encoderSessionCount: field(COUNT, 'encoder_stats/session_count', 'encoder.stats.sessionCount'),
  encoderAverageFps: field(COUNT, 'encoder_stats/average_fps', 'encoder.stats.averageFps'),
  encoderAverageLatencyUs: field(COUNT, 'encoder_stats/average_latency', 'encoder.stats.averageLatency'),
  fbcSessionCount: field(COUNT, 'fbc_stats/session_count'),
  fbcAverageFps: field(COUNT, 'fbc_stats/average_fps'),
  fbcAverageLatencyUs: field(COUNT, 'fbc_stats/average_latency'),
};

/** `memory_usage` is the name of drivers of the 300s. */
const MEMORY = {
  memoryTotalMiB: field(MIB, 'fb_memory_usage/total memory_usage/total', 'memory.total'),
  memoryReservedMiB: field(MIB, 'fb_memory_usage/reserved', 'memory.reserved'),
  memoryUsedMiB: field(MIB, 'fb_memory_usage/used memory_usage/used', 'memory.used'),
  memoryFreeMiB: field(MIB, 'fb_memory_usage/free memory_usage/free', 'memory.free'),
  bar1TotalMiB: field(MIB, 'bar1_memory_usage/total'),
  bar1UsedMiB: field(MIB, 'bar1_memory_usage/used'),
  bar1FreeMiB: field(MIB, 'bar1_memory_usage/free'),
  protectedMemoryTotalMiB: field(MIB, 'cc_protected_memory_usage/total', 'protected_memory.total'),
  protectedMemoryUsedMiB: field(MIB, 'cc_protected_memory_usage/used', 'protected_memory.used'),
  protectedMemoryFreeMiB: field(MIB, 'cc_protected_memory_usage/free', 'protected_memory.free'),
};

const TEMPERATURE = {
  temperatureGpuC: field(CELSIUS, 'temperature/gpu_temp', 'temperature.gpu'),
  temperatureMemoryC: field(CELSIUS, 'temperature/memory_temp', 'temperature.memory'),
  temperatureShutdownC: field(CELSIUS, 'temperature/gpu_temp_max_threshold'),
  temperatureSlowdownC: field(CELSIUS, 'temperature/gpu_temp_slow_threshold'),
  temperatureMaxOperatingC: field(CELSIUS, 'temperature/gpu_temp_max_gpu_threshold'),
  temperatureMemoryMaxC: field(CELSIUS, 'temperature/gpu_temp_max_mem_threshold'),
  temperatureTargetC: field(CELSIUS, 'temperature/gpu_target_temperature'),
  temperatureTargetMinC: field(CELSIUS, 'supported_gpu_target_temp/gpu_target_temp_min'),
  temperatureTargetMaxC: field(CELSIUS, 'supported_gpu_target_temp/gpu_target_temp_max'),
  temperatureMarginC: field(CELSIUS, 'temperature/gpu_temp_tlimit', 'temperature.gpu.tlimit'),
  temperatureMarginShutdownC: field(CELSIUS, 'temperature/gpu_temp_max_tlimit_threshold'),
  temperatureMarginSlowdownC: field(CELSIUS, 'temperature/gpu_temp_slow_tlimit_threshold'),
  temperatureMarginMaxOperatingC: field(CELSIUS, 'temperature/gpu_temp_max_gpu_tlimit_threshold'),
  temperatureMarginMemoryMaxC: field(CELSIUS, 'temperature/gpu_temp_max_mem_tlimit_threshold'),
  fanSpeedPercent: field(FAN_PERCENT, 'fan_speed', 'fan.speed'),
};

/** `gpu_power_readings` was `power_readings` before 535. Newer drivers tell the draw of the moment from an average. */
const POWER = {
  powerDrawW: field(WATTS, power('instant_power_draw power_draw'), 'power.draw.instant power.draw'),
  powerDrawAverageW: field(WATTS, power('average_power_draw'), 'power.draw.average'),
  powerLimitW: field(WATTS, power('current_power_limit power_limit'), 'power.limit'),
  powerLimitRequestedW: field(WATTS, power('requested_power_limit'), 'requested.power.limit'),
  powerLimitEnforcedW: field(WATTS, power('enforced_power_limit'), 'enforced.power.limit'),
  powerLimitDefaultW: field(WATTS, power('default_power_limit'), 'power.default_limit'),
  powerLimitMinW: field(WATTS, power('min_power_limit'), 'power.min_limit'),
  powerLimitMaxW: field(WATTS, power('max_power_limit'), 'power.max_limit'),
  memoryPowerDrawW: field(
    WATTS,
    'gpu_memory_power_readings/instant_power_draw gpu_memory_power_readings/power_draw',
    'gpu_memory_power.draw.instant',
  ),
  memoryPowerDrawAverageW: field(WATTS, 'gpu_memory_power_readings/average_power_draw'),
  modulePowerDrawW: field(
    WATTS,
    'module_power_readings/instant_power_draw module_power_readings/power_draw',
    'module.power.draw.instant',
  ),
  modulePowerDrawAverageW: field(WATTS, 'module_power_readings/average_power_draw', 'module.power.draw.average'),
  modulePowerLimitW: field(WATTS, 'module_power_readings/current_power_limit', 'module.power.limit'),
};

const CLOCKS = {
  clockGraphicsMHz: field(MHZ, 'clocks/graphics_clock', 'clocks.current.graphics clocks.gr'),
  clockSmMHz: field(MHZ, 'clocks/sm_clock', 'clocks.current.sm clocks.sm'),
  clockMemoryMHz: field(MHZ, 'clocks/mem_clock', 'clocks.current.memory clocks.mem'),
  clockVideoMHz: field(MHZ, 'clocks/video_clock', 'clocks.current.video clocks.video'),
  clockGraphicsMaxMHz: field(MHZ, 'max_clocks/graphics_clock', 'clocks.max.graphics clocks.max.gr'),
  clockSmMaxMHz: field(MHZ, 'max_clocks/sm_clock', 'clocks.max.sm'),
  clockMemoryMaxMHz: field(MHZ, 'max_clocks/mem_clock', 'clocks.max.memory clocks.max.mem'),
  clockVideoMaxMHz: field(MHZ, 'max_clocks/video_clock', 'clocks.max.video'),
  clockGraphicsApplicationMHz: field(
    MHZ,
    'applications_clocks/graphics_clock',
    'clocks.applications.graphics clocks.applications.gr',
  ),
  clockMemoryApplicationMHz: field(
    MHZ,
    'applications_clocks/mem_clock',
    'clocks.applications.memory clocks.applications.mem',
  ),
  clockGraphicsApplicationDefaultMHz: field(
    MHZ,
    'default_applications_clocks/graphics_clock',
    'clocks.default_applications.graphics clocks.default_applications.gr',
  ),
  clockMemoryApplicationDefaultMHz: field(
    MHZ,
    'default_applications_clocks/mem_clock',
    'clocks.default_applications.memory clocks.default_applications.mem',
  ),
  clockGraphicsBoostMaxMHz: field(MHZ, 'max_customer_boost_clocks/graphics_clock'),
  voltageGraphicsMv: field(MILLIVOLTS, 'voltage/graphics_volt'),
};

const LINK = 'pci/pci_gpu_link_info';
const PCI = {
  pciBusId: field(TEXT, 'pci/pci_bus_id @id', 'pci.bus_id gpu_bus_id'),
  pciDeviceId: field(TEXT, 'pci/pci_device_id', 'pci.device_id'),
  pciSubSystemId: field(TEXT, 'pci/pci_sub_system_id', 'pci.sub_device_id'),
  pcieGenCurrent: field(COUNT, `${LINK}/pcie_gen/current_link_gen`, 'pcie.link.gen.current pcie.link.gen.gpucurrent'),
  pcieGenMax: field(COUNT, `${LINK}/pcie_gen/max_link_gen`, 'pcie.link.gen.max'),
  pcieGenDeviceCurrent: field(COUNT, `${LINK}/pcie_gen/device_current_link_gen`),
  pcieGenDeviceMax: field(COUNT, `${LINK}/pcie_gen/max_device_link_gen`, 'pcie.link.gen.gpumax'),
  pcieGenHostMax: field(COUNT, `${LINK}/pcie_gen/max_host_link_gen`, 'pcie.link.gen.hostmax'),
  pcieWidthCurrent: field(LANES, `${LINK}/link_widths/current_link_width`, 'pcie.link.width.current'),
  pcieWidthMax: field(LANES, `${LINK}/link_widths/max_link_width`, 'pcie.link.width.max'),
  pcieTxKBps: field(KB_PER_SECOND, 'pci/tx_util'),
  pcieRxKBps: field(KB_PER_SECOND, 'pci/rx_util'),
  pcieReplayCount: field(COUNT, 'pci/replay_counter'),
  pcieReplayRolloverCount: field(COUNT, 'pci/replay_rollover_counter'),
};

const PAGES = {
  retiredPagesSingleBitCount: field(
    COUNT,
    'retired_pages/multiple_single_bit_retirement/retired_count',
    'retired_pages.single_bit_ecc.count retired_pages.sbe',
  ),
  retiredPagesDoubleBitCount: field(
    COUNT,
    'retired_pages/double_bit_retirement/retired_count',
    'retired_pages.double_bit.count retired_pages.dbe',
  ),
  retiredPagesPending: field(
    YES_NO,
    'retired_pages/pending_blacklist retired_pages/pending_retirement',
    'retired_pages.pending',
  ),
  remappedRowsCorrectableCount: field(COUNT, 'remapped_rows/remapped_row_corr'),
  remappedRowsUncorrectableCount: field(COUNT, 'remapped_rows/remapped_row_unc'),
  remappedRowsPending: field(YES_NO, 'remapped_rows/remapped_row_pending'),
  remappedRowsFailed: field(YES_NO, 'remapped_rows/remapped_row_failure'),
};

export const GPU_FIELDS: FieldTable<GpuFields> = {
  ...IDENTITY,
  ...MODES,
  ...UTILIZATION,
  ...MEMORY,
  ...TEMPERATURE,
  ...POWER,
  ...CLOCKS,
  ...PCI,
  ...PAGES,
};

/** Paths of the GPU's own power block, new name first. */
function power(names: string): string {
  const blocks = ['gpu_power_readings', 'power_readings'];
  return names
    .split(' ')
    .flatMap((name) => blocks.map((block) => `${block}/${name}`))
    .join(' ');
}
