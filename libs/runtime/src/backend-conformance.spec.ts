import type { Operation, Program, TensorDeclaration } from '@millrace/kernels';
import { backendOfSuite, testBackends } from '@millrace/testing';
import { fromFloat16Bits } from '@millrace/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Backend, BoundProgram, DeviceTensor } from './backend';

function f32(name: string, ...shape: number[]): TensorDeclaration {
  return { name, shape, dtype: 'f32', role: 'scratch' };
}

function add(a_L: string, b_L: string, y_L: string): Operation {
  return { kernel: 'add', dims: { L: 5 }, tensors: { a_L, b_L, y_L } };
}

const A = f32('a', 5);
const B = f32('b', 5);
const Y = f32('y', 5);
const SUM: Program = { name: 'sum', tensors: [A, B, Y], steps: [add('a', 'b', 'y')] };
const ONES = Float32Array.of(1, 1, 1, 1, 1);

function mismatch(part: string): Error {
  return expect.objectContaining({
    code: 'RUNTIME.TENSOR_MISMATCH',
    message: expect.stringContaining(part) as string,
  }) as Error;
}

/** What every backend does alike; a backend without an adapter is skipped with that reason. */
describe.each(testBackends(process.env))('$kind backend', ({ kind, open }) => {
  const opened = backendOfSuite(open);
  let backend: Backend;
  let tensors: Map<string, DeviceTensor>;
  beforeEach(() => {
    backend = opened();
    tensors = new Map([A, B, Y].map((declaration) => [declaration.name, backend.allocate(declaration)]));
    return () => tensors.forEach((tensor) => backend.release(tensor));
  });

  const tensor = (name: string): DeviceTensor => tensors.get(name) as DeviceTensor;
  const numbers = async (name: string): Promise<number[]> => [...(await backend.read(tensor(name)))];
  const bind = (...steps: Program['steps']): Promise<BoundProgram> => backend.bind({ ...SUM, steps }, tensors);

  it('says what it is', () => {
    expect(backend.kind).toBe(kind);
    expect(backend.elementType).toBe(kind === 'cpu' ? 'f64' : 'f32');
  });

  it('allocates zeros and counts bytes', async () => {
    expect(await numbers('a')).toEqual([0, 0, 0, 0, 0]);
    const before = backend.allocatedBytes();
    const more = backend.allocate(f32('more', 3, 7));
    expect(backend.allocatedBytes() - before).toBe(21 * (kind === 'cpu' ? 8 : 4));
    backend.release(more);
    expect(backend.allocatedBytes()).toBe(before);
  });

  it('writes floats, doubles, and parts', async () => {
    backend.write(tensor('a'), Float32Array.of(1, 2, 3, 4, 5));
    expect(await numbers('a')).toEqual([1, 2, 3, 4, 5]);
    backend.write(tensor('a'), Float64Array.of(0.5, 0.25), 2);
    expect(await numbers('a')).toEqual([1, 2, 0.5, 0.25, 5]);
  });

  it('keeps integers of 32 bits', async () => {
    const ids = backend.allocate({ name: 'ids', shape: [3], dtype: 'u32', role: 'input' });
    backend.write(ids, Uint32Array.of(0, 7, 0xfffffffe));
    expect(await backend.read(ids)).toEqual(Uint32Array.of(0, 7, 0xfffffffe));
    backend.release(ids);
  });

  describe('with f16', () => {
    it('refuses to write a view that ends within a word', async () => {
      const tensors = [f32('x', 5), { ...f32('h', 8), dtype: 'f16' } as const];
      const allocated = tensors.map((declaration) => backend.allocate(declaration));
      const own = new Map(tensors.map(({ name }, index) => [name, allocated[index]!]));
      const h = (length: number) => ({ tensor: 'h', offset: 0, length });
      const program = (...steps: Program['steps']): Program => ({ name: 'odd', tensors, steps });
      const narrow = { kernel: 'narrow', dims: { L: 5 }, tensors: { x_L: 'x', y_L: h(5) } } as const;
      const problem = 'elements 0 to 4 of f16 are written, which end within a word';
      for (const step of [narrow, { clear: h(5) }]) {
        await expect(async () => backend.bind(program(step), own)).rejects.toThrowError(mismatch(problem));
      }
      await backend.bind(program({ clear: h(6) }, { ...narrow, tensors: { x_L: 'x', y_L: h(8) } }), own);
      for (const tensor of allocated) backend.release(tensor);
    });

    const f16 = (name: string, count: number): TensorDeclaration => ({ ...f32(name, count), dtype: 'f16' });
    const bits = (...values: number[]): Uint16Array => Uint16Array.from(values);

    it('keeps the bits of floats, rounded, and of bits, in whole words', async () => {
      const before = backend.allocatedBytes();
      const odd = backend.allocate(f16('odd', 5));
      expect(backend.allocatedBytes() - before).toBe(kind === 'cpu' ? 40 : 12);
      backend.write(odd, Float32Array.of(1, -2, 1 / 3, 1e6, 2 ** -24));
      expect(await backend.read(odd)).toEqual(bits(0x3c00, 0xc000, 0x3555, 0x7c00, 0x0001));
      backend.write(odd, Float64Array.of(0.5, -0), 2);
      backend.write(odd, bits(0x7bff), 4);
      expect(await backend.read(odd)).toEqual(bits(0x3c00, 0xc000, 0x3800, 0x8000, 0x7bff));
      const pieces = [
        { tensor: odd, elementOffset: 2, elementCount: 3 },
        { tensor: odd, elementOffset: 0, elementCount: 2 },
      ];
      expect(await backend.readAll(pieces)).toEqual([bits(0x3800, 0x8000, 0x7bff), bits(0x3c00, 0xc000)]);
      const copy = backend.allocate(f16('copy', 5));
      backend.copy(odd, copy);
      expect(await backend.read(copy)).toEqual(await backend.read(odd));
      for (const tensor of [odd, copy]) backend.release(tensor);
    });

    it('refuses parts of words, and other types', () => {
      const odd = backend.allocate(f16('odd', 5));
      expect(() => backend.write(odd, bits(1, 2), 1)).toThrowError(
        mismatch('elements 1 to 2 of f16 are no whole words; begin and end at multiples of 2 elements'),
      );
      expect(() => backend.write(odd, bits(1), 2)).toThrowError(mismatch('elements 2 to 2 of f16'));
      expect(() => backend.write(odd, Uint32Array.of(1))).toThrowError(mismatch('does not fit the type f16'));
      expect(() => backend.write(tensor('a'), bits(1))).toThrowError(mismatch('does not fit the type f32'));
      backend.release(odd);
    });

    it('rounds and widens alike, infinite and no numbers too', async () => {
      const values = [1 / 3, 65_519, 65_520, -Infinity, NaN, -(2 ** -25), 1.5 * 2 ** -24, 1023.75 * 2 ** -24, 2049];
      const L = values.length;
      const declared = [f32('x', L), f16('h', L), f32('z', L)];
      const local = new Map(declared.map((declaration) => [declaration.name, backend.allocate(declaration)]));
      const steps: Operation[] = [
        { kernel: 'narrow', dims: { L }, tensors: { x_L: 'x', y_L: 'h' } },
        { kernel: 'widen', dims: { L }, tensors: { x_L: 'h', y_L: 'z' } },
      ];
      backend.write(local.get('x')!, Float32Array.from(values));
      backend.run(await backend.bind({ name: 'round', tensors: declared, steps }, local));
      const expected = [0x3555, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0x0002, 0x0400, 0x6800];
      expect(await backend.read(local.get('h')!)).toEqual(Uint16Array.from(expected));
      expect([...(await backend.read(local.get('z')!))]).toEqual(expected.map(fromFloat16Bits));
      const wrong = { kernel: 'widen', dims: { L }, tensors: { x_L: 'x', y_L: 'z' } } as const;
      await expect(async () =>
        backend.bind({ name: 'round', tensors: declared, steps: [wrong] }, local),
      ).rejects.toThrowError(mismatch('it is f32 but x_L is f16; bind a tensor of that type'));
      local.forEach((each) => backend.release(each));
    });
  });

  it('runs a program again and again on what the tensors hold then', async () => {
    const sum = await bind(add('a', 'b', 'y'));
    backend.write(tensor('b'), ONES);
    for (let round = 1; round <= 3; round++) {
      backend.write(tensor('a'), Float32Array.of(round, 2, 3, 4, 5));
      backend.run(sum);
      expect(await numbers('y')).toEqual([round + 1, 3, 4, 5, 6]);
    }
  });

  it('runs steps in order, clears among them', async () => {
    backend.write(tensor('a'), ONES);
    backend.write(tensor('b'), ONES);
    backend.run(await bind(add('a', 'b', 'y'), add('a', 'y', 'b'), { clear: 'a' }, add('a', 'b', 'y')));
    expect(await numbers('a')).toEqual([0, 0, 0, 0, 0]);
    expect(await numbers('y')).toEqual([3, 3, 3, 3, 3]);
  });

  it('orders writes, runs and reads as they were called', async () => {
    const sum = await bind(add('a', 'b', 'y'));
    backend.write(tensor('a'), ONES);
    backend.run(sum);
    const early = backend.read(tensor('y'));
    backend.write(tensor('a'), Float32Array.of(9, 9, 9, 9, 9));
    backend.run(sum);
    const late = backend.read(tensor('y'), 3);
    expect([...(await late)]).toEqual([9, 9, 9, 9, 9]);
    expect([...(await early)]).toEqual([1, 1, 1, 1, 1]);
  });

  it('enqueues a recorded run where it is asked to, with what the tensors hold then', async () => {
    const sum = await bind(add('a', 'b', 'y'));
    backend.write(tensor('b'), ONES);
    const recorded = backend.record(sum);
    expect(recorded.name).toBe('sum');
    backend.run(await bind(add('b', 'y', 'a')));
    backend.enqueue(recorded);
    backend.run(await bind(add('a', 'y', 'b')));
    // a = 1 + 0, then y = 1 + 1, then b = 1 + 2.
    expect([await numbers('a'), await numbers('y'), await numbers('b')]).toEqual(
      [1, 2, 3].map((value) => Array(5).fill(value)),
    );
    // One that is never enqueued does nothing.
    backend.record(sum);
    expect(await numbers('y')).toEqual([2, 2, 2, 2, 2]);
  });

  it('refuses to enqueue a recorded run twice', async () => {
    const recorded = backend.record(await bind(add('a', 'b', 'y')));
    backend.enqueue(recorded);
    expect(() => backend.enqueue(recorded)).toThrowError(
      'the recorded run of sum was enqueued before; record it again',
    );
    expect(await numbers('y')).toEqual([0, 0, 0, 0, 0]);
  });

  it('refuses parts of one tensor of which a dispatch reads one and writes another', async () => {
    const whole = backend.allocate(f32('pack', 133));
    const named = [f32('first', 5), f32('second', 5)];
    const parts = named.map((declaration, index) => backend.part(whole, declaration, 64 * index));
    const own = new Map([...tensors, ['first', parts[0]!], ['second', parts[1]!]]);
    const program = { name: 'parts', tensors: [A, B, Y, ...named], steps: [add('first', 'b', 'second')] };
    await expect(async () => backend.bind(program, own)).rejects.toThrowError(
      mismatch(
        'a dispatch reads and writes it, with elements 0 to 4 as a_L and elements 0 to 4 of second, a part of the ' +
          'same pack, as y_L',
      ),
    );
    backend.release(whole);
  });

  it('gives tensors parts of the memory of another', async () => {
    const before = backend.allocatedBytes();
    const whole = backend.allocate(f32('whole', 133));
    const held = backend.allocatedBytes();
    const parts = [0, 64, 128].map((offset, index) => backend.part(whole, f32(`part ${index}`, 5), offset));
    expect(backend.allocatedBytes()).toBe(held);
    parts.forEach((part, index) =>
      backend.write(
        part,
        Float32Array.of(1, 2, 3, 4).map((value) => 10 * index + value),
        1,
      ),
    );
    backend.copy(tensor('a'), parts[1]!);
    const values = [...(await backend.read(whole))];
    expect(values.slice(126)).toEqual([0, 0, 0, 21, 22, 23, 24]);
    expect([values.slice(0, 5), values.slice(64, 69)]).toEqual([
      [0, 1, 2, 3, 4],
      [0, 0, 0, 0, 0],
    ]);
    const named = [A, B, Y].map((declaration, index) => ({ ...declaration, name: `part ${index}` }));
    const own = new Map(named.map(({ name }, index) => [name, parts[index]!]));
    const double = { kernel: 'add', dims: { L: 5 }, tensors: { a_L: 'a', b_L: 'b', y_L: 'part 2' } } as const;
    backend.write(tensor('a'), ONES);
    backend.write(tensor('b'), ONES);
    const program = { name: 'parts', tensors: [A, B, ...named], steps: [double, { clear: 'part 0' }] };
    backend.run(await backend.bind(program, new Map([...tensors, ...own])));
    const [first, , last] = await backend.readAll(parts);
    expect([[...first!], [...last!]]).toEqual([
      [0, 0, 0, 0, 0],
      [2, 2, 2, 2, 2],
    ]);
    for (const part of parts) backend.release(part);
    expect(backend.allocatedBytes()).toBe(held);
    backend.release(whole);
    expect(backend.allocatedBytes()).toBe(before);
    await expect(async () => backend.read(parts[0]!)).rejects.toThrowError('tensor part 0 is not of this backend');
  });

  it('gives parts of parts, which go with the whole', async () => {
    const whole = backend.allocate(f32('whole', 133));
    const inner = backend.part(backend.part(whole, f32('part', 69), 64), f32('inner', 5), 64);
    backend.write(inner, ONES);
    expect([...(await backend.read(whole))].slice(126)).toEqual([0, 0, 1, 1, 1, 1, 1]);
    backend.release(whole);
    await expect(async () => backend.read(inner)).rejects.toThrowError('tensor inner is not of this backend');
  });

  it('refuses a part that ends behind its whole or begins where nothing may be bound', () => {
    const whole = backend.allocate(f32('whole', 100));
    const message = (text: string): unknown => expect.objectContaining({ message: expect.stringContaining(text) });
    expect(() => backend.part(whole, f32('part', 40), 64)).toThrowError(message('end it inside'));
    expect(() => backend.part(whole, f32('part', 4), 4)).toThrowError(message('at a multiple of 64'));
    backend.release(whole);
  });

  it('copies a tensor into another in the order of the calls', async () => {
    const sum = await bind(add('a', 'b', 'y'));
    backend.write(tensor('a'), ONES);
    backend.run(sum);
    backend.copy(tensor('y'), tensor('b'));
    backend.run(sum);
    expect(await numbers('y')).toEqual([2, 2, 2, 2, 2]);
    expect(await numbers('b')).toEqual([1, 1, 1, 1, 1]);
    const odd = backend.allocate(f32('odd', 3));
    const mismatch = expect.objectContaining({ code: 'RUNTIME.TENSOR_MISMATCH' }) as Error;
    expect(() => backend.copy(odd, tensor('a'))).toThrowError(mismatch);
    backend.release(odd);
  });

  it('reads many tensors of different sizes at once', async () => {
    const odd = backend.allocate(f32('odd', 3));
    backend.write(odd, Float32Array.of(7, 8, 9));
    backend.write(tensor('a'), ONES);
    const [first, second, third] = await backend.readAll([odd, tensor('a'), tensor('b')]);
    expect([...(first ?? [])]).toEqual([7, 8, 9]);
    expect([...(second ?? [])]).toEqual([1, 1, 1, 1, 1]);
    expect([...(third ?? [])]).toEqual([0, 0, 0, 0, 0]);
    expect(await backend.readAll([])).toEqual([]);
    const pieces = await backend.readAll([{ tensor: odd, elementOffset: 1, elementCount: 2 }, tensor('a')]);
    expect(pieces.map((values) => [...values])).toEqual([
      [8, 9],
      [1, 1, 1, 1, 1],
    ]);
    backend.release(odd);
  });

  it('many runs without a read stay bounded and finish', async () => {
    const sum = await bind(add('a', 'b', 'y'), add('a', 'y', 'b'));
    backend.write(tensor('a'), ONES);
    for (let index = 0; index < 50; index++) {
      backend.run(sum);
      backend.flush();
      await backend.throttle();
    }
    await backend.finish();
    // b = 1 + (1 + b) each time.
    expect(await numbers('b')).toEqual([100, 100, 100, 100, 100]);
  });

  it('refuses a program whose tensors are missing or of another shape', async () => {
    const other = f32('y', 6);
    const missing = new Map([...tensors].filter(([name]) => name !== 'b'));
    const code = (part: string): unknown =>
      expect.objectContaining({ code: 'RUNTIME.TENSOR_MISMATCH', message: expect.stringContaining(part) });
    await expect(async () => backend.bind(SUM, missing)).rejects.toThrowError(code('tensor b: it is not in the map'));
    const reshaped = { ...SUM, tensors: [A, B, other] };
    await expect(async () => backend.bind(reshaped, tensors)).rejects.toThrowError(code('needs f32[6]'));
  });

  it('refuses a step that writes what it also reads', async () => {
    await expect(async () => bind(add('a', 'b', 'a'))).rejects.toThrowError(
      mismatch('program sum, tensor a: for kernel add, it is written and bound twice'),
    );
    await expect(async () => bind({ clear: 'z' })).rejects.toThrowError(
      mismatch('tensor z: for a clear, it is not decl'),
    );
    const { a_L: _a, ...unbound } = add('a', 'b', 'y').tensors;
    await expect(async () => bind({ ...add('a', 'b', 'y'), tensors: unbound })).rejects.toThrowError(
      mismatch('tensor a_L: for kernel add, the operation names no tensor'),
    );
  });

  it('refuses data of another type or beyond the end', () => {
    const code = expect.objectContaining({ code: 'RUNTIME.TENSOR_MISMATCH' });
    expect(() => backend.write(tensor('a'), Uint32Array.of(1))).toThrowError(code);
    expect(() => backend.write(tensor('a'), ONES, 1)).toThrowError(code);
  });

  it('refuses a tensor that was released', async () => {
    const gone = backend.allocate(f32('gone', 1));
    backend.release(gone);
    expect(() => backend.write(gone, Float32Array.of(1))).toThrowError('tensor gone is not of this backend');
  });
});
