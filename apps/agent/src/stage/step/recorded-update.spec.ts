import { setImmediate as soon } from 'node:timers/promises';
import { systemClock } from '@millrace/core';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan } from '../../../test/attempt-plans';
import { trainRanks } from '../../../test/train-ranks';
import type { TensorFrame } from '../../data-plane/frame';

type Event = 'squares' | 'read' | 'record' | 'norm' | 'hyper' | 'enqueue';

/** A device that notes what is asked of it at the end of a step, and takes its time until a norm can be read. */
function noting(events: Event[]): Backend {
  const backend = openCpuBackend();
  const { run, record, enqueue, readAll, write } = backend;
  backend.run = (program) => {
    if (program.name === 'squares') events.push('squares');
    run.call(backend, program);
  };
  backend.record = (program) => {
    events.push('record');
    return record.call(backend, program);
  };
  backend.enqueue = (recorded) => {
    events.push('enqueue');
    enqueue.call(backend, recorded);
  };
  backend.write = (tensor, ...rest) => {
    if (tensor.declaration.name.startsWith('hyper')) events.push('hyper');
    write.call(backend, tensor, ...rest);
  };
  backend.readAll = async (sources) => {
    const isNorm = sources.some((source) => 'declaration' in source && source.declaration.name.endsWith('.squares_P'));
    if (isNorm) events.push('read');
    const read = await readAll.call(backend, sources);
    if (isNorm) {
      for (let turn = 0; turn < 5; turn++) await soon();
      events.push('norm');
    }
    return read;
  };
  return backend;
}

it('records the update while the device computes the norm, and then writes a few numbers', async () => {
  const events: Event[][] = [[], []];
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  await trainRanks(attemptPlan({ ranks: 2, steps: 2, schedule: '1f1b' }), {
    openBackend: (rank) => noting(events[rank]!),
    transport: (rank) => network.transport(rank),
  });
  const step: Event[] = ['squares', 'read', 'record', 'norm', 'hyper', 'enqueue'];
  for (const own of events) {
    // Warming up comes first.
    expect(own.slice(own.indexOf('read') - 1)).toEqual([...step, ...step]);
  }
});
