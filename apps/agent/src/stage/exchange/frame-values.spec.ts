import { expect, it } from 'vitest';
import type { FrameDType, TensorFrame } from '../../data-plane/frame';
import { frameValues, valuesOf } from './frame-values';

function frame(dtype: FrameDType, values: Float32Array | Float64Array | Uint16Array | Uint32Array): TensorFrame {
  const payload = new Uint8Array(values.buffer as ArrayBuffer);
  const key = { edge: 'activation', step: 7, microBatch: 1, chunk: 0, fromRank: 2, rollbacks: 0 } as const;
  return { ...key, direction: 'forward', dtype, shape: [values.length], payload };
}

it('gives the numbers of a frame, doubles for f32 too', () => {
  const due = valuesOf({ dtype: 'f32', shape: [1, 2] });
  expect(frameValues(frame('f32', Float32Array.of(1, 2)), due)).toEqual(Float32Array.of(1, 2));
  expect(frameValues(frame('f64', Float64Array.of(1, 2)), due)).toEqual(Float64Array.of(1, 2));
  expect(frameValues(frame('f16', Uint16Array.of(1)), valuesOf({ dtype: 'f16', shape: [1] }))).toHaveLength(1);
});

it('refuses a frame of another type or length than is due', () => {
  const due = valuesOf({ dtype: 'f16', shape: [2] });
  expect(() => frameValues(frame('f32', Float32Array.of(1, 2)), due)).toThrowError(
    'activation of step 7, micro-batch 1 from rank 2 is f32 where f16 was due',
  );
  for (const count of [1, 3]) {
    expect(() => frameValues(frame('f16', new Uint16Array(count)), due)).toThrowError(
      `activation of step 7, micro-batch 1 from rank 2 has ${count} elements where 2 were due`,
    );
  }
});
