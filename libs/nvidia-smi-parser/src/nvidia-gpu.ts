/** One GPU. A number's unit ends its name; MiB is 2^20 bytes, KBps is 1000 bytes/s as printed by nvidia-smi. */
export interface NvidiaGpu extends GpuFields {
  readonly clockEventReasons: ClockEventReasons;
  /** Errors since the driver was loaded. */
  readonly eccVolatile: EccErrorCounts;
  /** Errors over the life of the GPU. */
  readonly eccAggregate: EccErrorCounts;
  /** Null when the output does not say (CSV, drivers before MIG); empty when it says that there are none. */
  readonly migDevices: readonly NvidiaMigDevice[] | null;
  /** Null when the output does not say (CSV, N/A); empty when nothing runs. */
  readonly processes: readonly NvidiaProcess[] | null;
}

export interface GpuFields {
  /** The key of a GPU: `GPU-` and a UUID. */
  readonly uuid: string | null;
  /** In CSV only; counts from 0 in PCI order and may differ after a restart. */
  readonly index: number | null;
  readonly name: string | null;
  readonly brand: string | null;
  readonly architecture: string | null;
  readonly serial: string | null;
  /** N of /dev/nvidiaN. */
  readonly minorNumber: number | null;
  readonly vbiosVersion: string | null;
  readonly gspFirmwareVersion: string | null;
  readonly boardId: string | null;
  readonly boardPartNumber: string | null;
  readonly gpuPartNumber: string | null;
  readonly gpuModuleId: number | null;
  readonly inforomImageVersion: string | null;
  readonly multiGpuBoard: boolean | null;

  readonly displayModeEnabled: boolean | null;
  readonly displayActive: boolean | null;
  readonly persistenceModeEnabled: boolean | null;
  readonly accountingModeEnabled: boolean | null;
  readonly migModeEnabled: boolean | null;
  readonly migModePendingEnabled: boolean | null;
  readonly eccModeEnabled: boolean | null;
  readonly eccModePendingEnabled: boolean | null;
  readonly resetRequired: boolean | null;
  readonly drainAndResetRecommended: boolean | null;
  readonly recoveryAction: string | null;
  readonly addressingMode: string | null;
  /** As printed: `Default`, `Exclusive_Process`, `Prohibited`. */
  readonly computeMode: string | null;
  /** Windows only: `WDDM`, `TCC` or `MCDM`. */
  readonly driverModel: string | null;
  readonly driverModelPending: string | null;
  readonly virtualizationMode: string | null;
  readonly gpuOperationMode: string | null;
  readonly fabricState: string | null;
  readonly fabricStatus: string | null;
  /** `P0` (fastest) to `P15`. */
  readonly performanceState: string | null;

  readonly utilizationGpuPercent: number | null;
  readonly utilizationMemoryPercent: number | null;
  readonly utilizationEncoderPercent: number | null;
  readonly utilizationDecoderPercent: number | null;
  readonly utilizationJpegPercent: number | null;
  readonly utilizationOfaPercent: number | null;
  readonly encoderSessionCount: number | null;
  readonly encoderAverageFps: number | null;
  readonly encoderAverageLatencyUs: number | null;
  readonly fbcSessionCount: number | null;
  readonly fbcAverageFps: number | null;
  readonly fbcAverageLatencyUs: number | null;

  readonly memoryTotalMiB: number | null;
  /** Held by driver and firmware; older drivers count it as used. */
  readonly memoryReservedMiB: number | null;
  readonly memoryUsedMiB: number | null;
  readonly memoryFreeMiB: number | null;
  readonly bar1TotalMiB: number | null;
  readonly bar1UsedMiB: number | null;
  readonly bar1FreeMiB: number | null;
  readonly protectedMemoryTotalMiB: number | null;
  readonly protectedMemoryUsedMiB: number | null;
  readonly protectedMemoryFreeMiB: number | null;

  readonly temperatureGpuC: number | null;
  readonly temperatureMemoryC: number | null;
  /** Absolute limits; GPUs since Ada print margins instead, below. */
  readonly temperatureShutdownC: number | null;
  readonly temperatureSlowdownC: number | null;
  readonly temperatureMaxOperatingC: number | null;
  readonly temperatureMemoryMaxC: number | null;
  readonly temperatureTargetC: number | null;
  readonly temperatureTargetMinC: number | null;
  readonly temperatureTargetMaxC: number | null;
  /** T.Limit: how many degrees are left to the limit. Not a temperature, nor are its thresholds. */
  readonly temperatureMarginC: number | null;
  readonly temperatureMarginShutdownC: number | null;
  readonly temperatureMarginSlowdownC: number | null;
  readonly temperatureMarginMaxOperatingC: number | null;
  readonly temperatureMarginMemoryMaxC: number | null;
  /** Of the highest speed; may pass 100. */
  readonly fanSpeedPercent: number | null;

  /** `instant_power_draw`, on older drivers `power_draw`; never an average field, nor the module's. */
  readonly powerDrawW: number | null;
  readonly powerDrawAverageW: number | null;
  /** `current_power_limit`, on older drivers `power_limit`. */
  readonly powerLimitW: number | null;
  readonly powerLimitRequestedW: number | null;
  readonly powerLimitEnforcedW: number | null;
  readonly powerLimitDefaultW: number | null;
  readonly powerLimitMinW: number | null;
  readonly powerLimitMaxW: number | null;
  /** The GPU's memory alone (Hopper and later). */
  readonly memoryPowerDrawW: number | null;
  readonly memoryPowerDrawAverageW: number | null;
  /** GPU and CPU together on superchips such as GH200. */
  readonly modulePowerDrawW: number | null;
  readonly modulePowerDrawAverageW: number | null;
  readonly modulePowerLimitW: number | null;

  readonly clockGraphicsMHz: number | null;
  readonly clockSmMHz: number | null;
  readonly clockMemoryMHz: number | null;
  readonly clockVideoMHz: number | null;
  readonly clockGraphicsMaxMHz: number | null;
  readonly clockSmMaxMHz: number | null;
  readonly clockMemoryMaxMHz: number | null;
  readonly clockVideoMaxMHz: number | null;
  readonly clockGraphicsApplicationMHz: number | null;
  readonly clockMemoryApplicationMHz: number | null;
  readonly clockGraphicsApplicationDefaultMHz: number | null;
  readonly clockMemoryApplicationDefaultMHz: number | null;
  readonly clockGraphicsBoostMaxMHz: number | null;
  readonly voltageGraphicsMv: number | null;

  readonly pciBusId: string | null;
  /** Hexadecimal, device then vendor: `20B210DE`. */
  readonly pciDeviceId: string | null;
  readonly pciSubSystemId: string | null;
  readonly pcieGenCurrent: number | null;
  readonly pcieGenMax: number | null;
  readonly pcieGenDeviceCurrent: number | null;
  readonly pcieGenDeviceMax: number | null;
  readonly pcieGenHostMax: number | null;
  /** Lanes. */
  readonly pcieWidthCurrent: number | null;
  readonly pcieWidthMax: number | null;
  readonly pcieTxKBps: number | null;
  readonly pcieRxKBps: number | null;
  readonly pcieReplayCount: number | null;
  readonly pcieReplayRolloverCount: number | null;

  readonly retiredPagesSingleBitCount: number | null;
  readonly retiredPagesDoubleBitCount: number | null;
  readonly retiredPagesPending: boolean | null;
  readonly remappedRowsCorrectableCount: number | null;
  readonly remappedRowsUncorrectableCount: number | null;
  readonly remappedRowsPending: boolean | null;
  readonly remappedRowsFailed: boolean | null;
}

/** Why clocks are lower than they could be (`clocks_throttle_reasons` before driver 535). True: active now. */
export interface ClockEventReasons {
  readonly gpuIdle: boolean | null;
  readonly applicationsClocksSetting: boolean | null;
  readonly swPowerCap: boolean | null;
  readonly hwSlowdown: boolean | null;
  readonly hwThermalSlowdown: boolean | null;
  readonly hwPowerBrakeSlowdown: boolean | null;
  readonly syncBoost: boolean | null;
  readonly swThermalSlowdown: boolean | null;
  readonly displayClocksSetting: boolean | null;
  /** Only old drivers print this: the clocks are lowered, for a reason that they have no name for. */
  readonly unknown: boolean | null;
}

/** Each as printed; nothing is added up here. Which are printed depends on the generation of the GPU. */
export interface EccErrorCounts {
  readonly sramCorrectableCount: number | null;
  readonly sramUncorrectableCount: number | null;
  readonly sramUncorrectableParityCount: number | null;
  readonly sramUncorrectableSecdedCount: number | null;
  readonly dramCorrectableCount: number | null;
  readonly dramUncorrectableCount: number | null;
  /** Printed before Turing (`single_bit/total`, `double_bit/total`) and in CSV (`ecc.errors.*.total`). */
  readonly totalCorrectableCount: number | null;
  readonly totalUncorrectableCount: number | null;
}

/** A slice of a GPU, with a memory and counters of its own: none of them is part of the GPU's. */
export interface NvidiaMigDevice {
  /** `MIG-…` where the driver prints it; `-q -x` does not. */
  readonly uuid: string | null;
  readonly index: number | null;
  readonly gpuInstanceId: number | null;
  readonly computeInstanceId: number | null;
  readonly multiprocessorCount: number | null;
  readonly copyEngineCount: number | null;
  readonly encoderCount: number | null;
  readonly decoderCount: number | null;
  readonly ofaCount: number | null;
  readonly jpegCount: number | null;
  readonly memoryTotalMiB: number | null;
  readonly memoryReservedMiB: number | null;
  readonly memoryUsedMiB: number | null;
  readonly memoryFreeMiB: number | null;
  readonly bar1TotalMiB: number | null;
  readonly bar1UsedMiB: number | null;
  readonly bar1FreeMiB: number | null;
  readonly utilizationGpuPercent: number | null;
  readonly utilizationMemoryPercent: number | null;
  readonly utilizationEncoderPercent: number | null;
  readonly utilizationDecoderPercent: number | null;
  readonly eccVolatileSramUncorrectableCount: number | null;
}

export interface NvidiaProcess {
  readonly pid: number | null;
  /** `C` compute, `G` graphics, `C+G`, `M+C` (through MPS). */
  readonly type: string | null;
  /** Name or command line; a byte that was not UTF-8 shows as U+FFFD. */
  readonly name: string | null;
  /** Null on Windows, where WDDM and not the driver accounts for it. */
  readonly usedMemoryMiB: number | null;
  /** The MIG device it runs on; null without MIG. */
  readonly gpuInstanceId: number | null;
  readonly computeInstanceId: number | null;
}
