import type { EccErrorCounts, NvidiaMigDevice, NvidiaProcess } from '../nvidia-gpu';
import type { FieldTable } from './field-table';
import { field } from './field-table';
import { COUNT, MIB, PERCENT, PROCESS_NAME, TEXT } from './value-reader';

/** `single_bit` and `double_bit` are of GPUs before Turing. */
export function eccFields(scope: 'volatile' | 'aggregate'): FieldTable<EccErrorCounts> {
  const block = `ecc_errors/${scope}`;
  return {
    sramCorrectableCount: field(COUNT, `${block}/sram_correctable`, `ecc.errors.corrected.${scope}.sram`),
    sramUncorrectableCount: field(COUNT, `${block}/sram_uncorrectable`, `ecc.errors.uncorrected.${scope}.sram`),
    sramUncorrectableParityCount: field(COUNT, `${block}/sram_uncorrectable_parity`),
    sramUncorrectableSecdedCount: field(COUNT, `${block}/sram_uncorrectable_secded`),
    dramCorrectableCount: field(COUNT, `${block}/dram_correctable`, `ecc.errors.corrected.${scope}.dram`),
    dramUncorrectableCount: field(COUNT, `${block}/dram_uncorrectable`, `ecc.errors.uncorrected.${scope}.dram`),
    totalCorrectableCount: field(COUNT, `${block}/single_bit/total`, `ecc.errors.corrected.${scope}.total`),
    totalUncorrectableCount: field(COUNT, `${block}/double_bit/total`, `ecc.errors.uncorrected.${scope}.total`),
  };
}

const SLICE = 'device_attributes/shared';

export const MIG_FIELDS: FieldTable<NvidiaMigDevice> = {
  uuid: field(TEXT, 'uuid'),
  index: field(COUNT, 'index'),
  gpuInstanceId: field(COUNT, 'gpu_instance_id'),
  computeInstanceId: field(COUNT, 'compute_instance_id'),
  multiprocessorCount: field(COUNT, `${SLICE}/multiprocessor_count`),
  copyEngineCount: field(COUNT, `${SLICE}/copy_engine_count`),
  encoderCount: field(COUNT, `${SLICE}/encoder_count`),
  decoderCount: field(COUNT, `${SLICE}/decoder_count`),
  ofaCount: field(COUNT, `${SLICE}/ofa_count`),
  jpegCount: field(COUNT, `${SLICE}/jpg_count`),
  memoryTotalMiB: field(MIB, 'fb_memory_usage/total'),
  memoryReservedMiB: field(MIB, 'fb_memory_usage/reserved'),
  memoryUsedMiB: field(MIB, 'fb_memory_usage/used'),
  memoryFreeMiB: field(MIB, 'fb_memory_usage/free'),
  bar1TotalMiB: field(MIB, 'bar1_memory_usage/total'),
  bar1UsedMiB: field(MIB, 'bar1_memory_usage/used'),
  bar1FreeMiB: field(MIB, 'bar1_memory_usage/free'),
  utilizationGpuPercent: field(PERCENT, 'utilization/gpu_util'),
  utilizationMemoryPercent: field(PERCENT, 'utilization/memory_util'),
  utilizationEncoderPercent: field(PERCENT, 'utilization/encoder_util'),
  utilizationDecoderPercent: field(PERCENT, 'utilization/decoder_util'),
  eccVolatileSramUncorrectableCount: field(COUNT, 'ecc_error_count/volatile_count/sram_uncorrectable'),
};

export const PROCESS_FIELDS: FieldTable<NvidiaProcess> = {
  pid: field(COUNT, 'pid'),
  type: field(TEXT, 'type'),
  name: field(PROCESS_NAME, 'process_name'),
  usedMemoryMiB: field(MIB, 'used_memory'),
  gpuInstanceId: field(COUNT, 'gpu_instance_id'),
  computeInstanceId: field(COUNT, 'compute_instance_id'),
};
