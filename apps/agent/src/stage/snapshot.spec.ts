import { type Backend, openCpuBackend } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { BLOCK_BYTES } from '@millrace/checkpoint';
import { rankStaging, SNAPSHOT_WINDOW, type StagingSize } from '@millrace/pipeline';
import { copyOut, type TensorToCopy } from './snapshot';

/** Groups of 16 elements. */
const WINDOW = { groupBytes: 64, groupCount: 2 };
const STATE_BYTES = 4 * (3 + 40 + 16 + 1 + 7 + 70);
const SIZES = [3, 40, 16, 1, 7, 70];
/** All of it at once. */
const WHOLE = stagingFor(SNAPSHOT_WINDOW);

function stagingFor(window: typeof WINDOW): StagingSize {
  return rankStaging({ stateBytes: STATE_BYTES, boundaryBytes: 0, tiedBytes: 0 }, window).snapshot;
}

interface Counted {
  readonly backend: Backend;
  /** Bytes, as f32, that are enqueued and not taken. */
  stagedBytes: number;
  mostBytes: number;
}

function counted(): Counted {
  const inner = openCpuBackend();
  const counts: Counted = { backend: inner, stagedBytes: 0, mostBytes: 0 };
  const readAll: Backend['readAll'] = async (sources, delayMs) => {
    const arrays = await inner.readAll(sources, delayMs);
    counts.stagedBytes += 4 * arrays.reduce((sum, { length }) => sum + length, 0);
    counts.mostBytes = Math.max(counts.mostBytes, counts.stagedBytes);
    return arrays;
  };
  const backend = new Proxy(inner, { get: (target, key) => (key === 'readAll' ? readAll : Reflect.get(target, key)) });
  return Object.assign(counts, { backend });
}

function tensors(backend: Backend): TensorToCopy[] {
  return SIZES.map((size, index) => {
    const entry = { name: `t${index}`, kind: 'weight' as const, shape: [size] };
    const tensor = backend.allocate({ name: entry.name, dtype: 'f32', shape: [size], role: 'parameter' });
    backend.write(
      tensor,
      Float32Array.from({ length: size }, (_, element) => index * 1000 + element),
    );
    return { entry, tensor };
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('holds no more than its window, however slowly pieces are taken, and gives every tensor in order', async () => {
  const counts = counted();
  const all = tensors(counts.backend);
  const { pieces, copied } = copyOut(all, { ...counts, timeline: { delayMs: () => 0 }, staging: stagingFor(WINDOW) });
  let isCopied = false;
  void copied.then(() => (isCopied = true));
  const taken = new Map<string, number[]>();
  let leftBytes = 4 * SIZES.reduce((sum, size) => sum + size, 0);
  for await (const { name, elementOffset, data } of pieces) {
    await turn();
    const before = taken.get(name) ?? [];
    expect(elementOffset).toBe(before.length);
    taken.set(name, [...before, ...data]);
    // While more is left than fits into the window, a part of it is not enqueued.
    expect(isCopied).toBe(leftBytes <= counts.stagedBytes);
    counts.stagedBytes -= 4 * data.length;
    leftBytes -= 4 * data.length;
  }
  expect(counts.mostBytes).toBeLessThanOrEqual(WINDOW.groupBytes * WINDOW.groupCount);
  expect([...taken]).toEqual(
    SIZES.map((size, index) => [`t${index}`, Array.from({ length: size }, (_, element) => index * 1000 + element)]),
  );
  expect(isCopied).toBe(true);
});

it('is copied at once where everything fits', async () => {
  const { backend } = counted();
  const { copied } = copyOut(tensors(backend), { backend, timeline: { delayMs: () => 0 }, staging: WHOLE });
  await copied;
});

it('stages what a plan counts for it, in groups of whole blocks', async () => {
  const counts = counted();
  const { copied } = copyOut(tensors(counts.backend), { ...counts, timeline: { delayMs: () => 0 }, staging: WHOLE });
  await copied;
  await turn();
  expect(counts.mostBytes).toBe(WHOLE.bytes * WHOLE.count);
  expect(WHOLE).toEqual({ bytes: STATE_BYTES, count: 1 });
  expect(SNAPSHOT_WINDOW.groupBytes % BLOCK_BYTES).toBe(0);
});
