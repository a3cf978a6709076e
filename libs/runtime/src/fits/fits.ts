import { AppError } from '@millrace/core';
import {
  KERNELS,
  type KernelTarget,
  type Operation,
  PARTIAL_SUMS,
  type Program,
  workgroupUse,
} from '@millrace/kernels';
import { tensorBytes } from '@millrace/tensor';
import type { AdapterDescription } from '../adapter-description';
import { kernelTarget } from './kernel-target';
import { boundBytes, suitProgram } from './suit-program';

/** The adapter's part of a description that programs are held to. */
export type AdapterLimits = Pick<AdapterDescription, 'adapterClass' | 'subgroupSize' | 'features' | 'limits'>;

/** A limit of an adapter that a program passes. */
export interface Misfit {
  /** The kernel and its shader, or the tensor. */
  readonly subject: string;
  readonly limit: string;
  readonly needed: number;
  readonly allowed: number;
}

/**
 * Which limits of an adapter a program would pass, as it would be bound there: none if it fits. No device is needed, so
 * that programs can be held to adapters that nobody here has. Where no cut makes an operation small enough for a
 * binding, only that is told of its program.
 */
export function fits(program: Program, adapter: AdapterLimits): Misfit[] {
  const target = kernelTarget(adapter);
  let suited: Program;
  try {
    suited = suitProgram(program, target, limitOf(adapter, 'maxStorageBufferBindingSize'));
  } catch (error) {
    if (error instanceof AppError && error.code === 'RUNTIME.BINDING_TOO_LARGE') return [uncut(error)];
    throw error;
  }
  const tensors = suited.tensors.flatMap(({ name, shape, dtype }) =>
    name === PARTIAL_SUMS ? [] : beyond(adapter, name, { maxBufferSize: tensorBytes(shape, dtype) }),
  );
  const operations = suited.steps.filter((step): step is Operation => 'kernel' in step);
  const bytes = boundBytes(suited);
  const bound = operations.flatMap((operation) => {
    const sizes = Object.values(operation.tensors).map(bytes);
    return beyond(adapter, operation.kernel, { maxStorageBufferBindingSize: Math.max(...sizes) });
  });
  const launches = new Map(operations.map((each) => [JSON.stringify([each.kernel, each.dims]), each]));
  return [...tensors, ...bound, ...[...launches.values()].flatMap((each) => launchMisfits(each, adapter, target))];
}

function uncut({ details }: AppError): Misfit {
  const { kernel, name, bytes, limitBytes } = details as Record<'kernel' | 'name', string> &
    Record<'bytes' | 'limitBytes', number>;
  const limit = 'maxStorageBufferBindingSize';
  return { subject: `${kernel} on ${name}`, limit, needed: bytes, allowed: limitBytes };
}

function launchMisfits({ kernel: name, dims }: Operation, adapter: AdapterLimits, target: KernelTarget): Misfit[] {
  const kernel = KERNELS[name];
  const variant = kernel.variant(dims, target);
  const { workgroupSize, workgroupBytes } = workgroupUse(variant);
  return beyond(adapter, `${name} as ${variant.wgsl}`, {
    maxStorageBuffersPerShaderStage: kernel.bindings.length,
    maxComputeInvocationsPerWorkgroup: workgroupSize,
    // All workgroups have one dimension.
    maxComputeWorkgroupSizeX: workgroupSize,
    maxComputeWorkgroupStorageSize: workgroupBytes,
    maxComputeWorkgroupsPerDimension: Math.max(...variant.workgroups),
  });
}

function beyond(adapter: AdapterLimits, subject: string, needs: Readonly<Record<string, number>>): Misfit[] {
  return Object.entries(needs)
    .map(([limit, needed]) => ({ subject, limit, needed, allowed: limitOf(adapter, limit) }))
    .filter(({ needed, allowed }) => needed > allowed);
}

function limitOf({ limits }: AdapterLimits, name: string): number {
  return limits[name] ?? 0;
}
