import type { AttemptPlan } from '@millrace/contracts';
import { silentLogger, systemClock } from '@millrace/core';
import { type KernelName, shapeBucket } from '@millrace/kernels';
import { openWebGpuBackend } from '@millrace/runtime';
import { InMemoryNetwork, openTestBackend } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import { trainRanks } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';
import { avoidedKernels, takeVariants } from './take-variants';
import type { DeviceChoice } from './gpu-task';

const KERNEL: KernelName = 'flash_attention_backward';
const SICK: DeviceChoice = { quarantined: [KERNEL] };
const WELL: DeviceChoice = { quarantined: [] };

const STEPS = 2;
const plan = (ranks: number): AttemptPlan =>
  attemptPlan({
    ranks,
    steps: STEPS,
    validation: 0,
    train: { evalEvery: 0 },
    model: { layers: 2, hidden: 64, context: 32, ffn: 128 },
  });

/** Losses, weights and optimizer state; index of `devices` = rank. */
async function outcome(given: AttemptPlan, devices: readonly DeviceChoice[]): Promise<unknown> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  const backends = await Promise.all(
    devices.map(async (device, rank) => {
      const backend = await openWebGpuBackend({ clock: systemClock, logger: silentLogger });
      takeVariants(backend, { kind: 'attempt', device, plan: { ...given, rank }, tokenFile: undefined });
      return backend;
    }),
  );
  const trained = await trainRanks(given, {
    openBackend: (rank) => backends[rank]!,
    transport: (rank) => network.transport(rank),
  });
  for (const backend of backends) backend.destroy();
  const state = [...trained.checkpoints.get(STEPS)!].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { losses: [...trained.metrics.get('train/loss')!], state };
}

describe('the kernels that a task runs by their naive variant', () => {
  it('are those of its device and those of its plan', () => {
    const quarantined = ['matmul_nt', KERNEL];
    const tasks = [plan(1), { ...plan(1), quarantined }].map((each) =>
      avoidedKernels({ kind: 'attempt', device: SICK, plan: each, tokenFile: undefined }),
    );
    expect(tasks).toEqual([[KERNEL], [KERNEL, 'matmul_nt']]);
    expect(avoidedKernels({ kind: 'probe', device: WELL })).toEqual([]);
  });

  it('give the bits of one rank that avoids them, whichever rank has the device that must', async (context) => {
    const probe = await openTestBackend(process.env);
    if (probe === undefined) return context.skip('no adapter');
    probe.destroy();
    const alone = await outcome(plan(1), [SICK]);
    const planned = { ...plan(2), quarantined: [KERNEL] };
    expect(await outcome(planned, [SICK, WELL])).toEqual(alone);
    expect(await outcome(planned, [WELL, SICK])).toEqual(alone);
  }, 120_000);
});

describe('the choices of a plan', () => {
  /** The head's product, whose vocabulary is no multiple of four: lavapipe adds it up one product after the other. */
  const choices = [
    { kernel: 'matmul_nt', bucket: 'K6 M6 N5', form: 'scalar' },
    { kernel: 'matmul_nn', bucket: 'K6 M6 N7', form: 'of another version' },
  ];

  it('are what programs are bound with, to the same bits', async (context) => {
    const probe = await openTestBackend(process.env);
    if (probe === undefined) return context.skip('no adapter');
    const given = plan(1);
    const { vocab } = given.model;
    const { micro } = given.spec.train.batch;
    const dims = { M: micro * given.model.context, K: given.model.hidden, N: vocab };
    expect(shapeBucket(dims)).toBe(choices[0]!.bucket);
    const usual = probe.shaders('matmul_nt', dims).used;
    takeVariants(probe, { kind: 'attempt', device: WELL, plan: { ...given, choices }, tokenFile: undefined });
    const chosen = probe.shaders('matmul_nt', dims).used;
    probe.destroy();
    if (usual === 'matmul_nt_tile') expect(chosen).toBe('matmul_nt_scalar');
    expect(await outcome({ ...given, choices }, [WELL])).toEqual(await outcome(given, [WELL]));
  }, 120_000);
});
