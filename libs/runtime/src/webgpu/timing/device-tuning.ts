import { type Clock } from '@millrace/core';
import { type KernelChoice, kernelChoices } from '@millrace/kernels';
import type { BackendSpeed } from '../../benchmark-backend';
import type { CaseOptions, TuningCase } from '../../tuning/tuning-cases';
import type { FirstGroups } from '../first-groups';
import type { PipelineCache } from '../pipeline-cache';
import { VariantTimer } from './variant-timer';

interface TuningParts {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache;
  readonly firstGroups: FirstGroups;
  readonly pace: { readonly speed: BackendSpeed };
  readonly clock: Clock;
}

/** The choices of a device among variants that give the same bits, and what new ones are made with. */
export class DeviceTuning {
  constructor(private readonly parts: TuningParts) {}

  /** From now on programs are bound with these choices. */
  choose(choices: readonly KernelChoice[]): void {
    this.parts.pipelines.choices = kernelChoices(choices);
  }

  /** What the cases that are worth a try here depend on. */
  get caseOptions(): CaseOptions {
    const { device, pace, pipelines } = this.parts;
    const { choices: known, quarantined: avoided, target } = pipelines;
    const bindingBytesMax = device.limits.maxStorageBufferBindingSize;
    return { target, bindingBytesMax, speed: pace.speed, known, avoided };
  }

  /** Opens what variants of these cases are timed with; undefined where the device has no memory left for it. */
  openTimer(cases: readonly TuningCase[]): Promise<VariantTimer | undefined> {
    return VariantTimer.open(this.parts, cases);
  }
}
