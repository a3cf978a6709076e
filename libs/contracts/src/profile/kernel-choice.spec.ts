import { describe, expect, it } from 'vitest';
import { measuredChoiceSchema } from './kernel-choice';

const CHOICE = { kernel: 'matmul_nn', bucket: 'K10 M11 N12', form: '128x64', ms: 1.5, usualMs: 2 };
const problem = (more: object): string | undefined =>
  measuredChoiceSchema
    .safeParse({ ...CHOICE, ...more })
    .error?.issues.map(({ message }) => message)
    .join('; ');

describe('a choice that an agent measured', () => {
  it('names a form that the kernel has', () => {
    expect(problem({})).toBeUndefined();
    expect(problem({ kernel: 'rmsnorm_forward_f16', form: 'long' })).toBeUndefined();
    expect(problem({ form: '256x256' })).toBe('"256x256" is no form of "matmul_nn" among which a device is tuned');
    expect(problem({ form: 'scalar' })).toContain('is no form of');
    expect(problem({ kernel: 'layernorm_forward', form: 'long' })).toContain('is no form of');
    expect(problem({ kernel: 'constructor', form: 'name' })).toContain('is no form of');
  });

  it('is for a bucket of shapes, and has times', () => {
    for (const bucket of ['', 'K10,M11', 'K100', 'k1', 'A1 B1 C1 D1 E1 F1 G1 H1 I1', ' K1', `K1\0`]) {
      expect(problem({ bucket }), bucket).toBeDefined();
    }
    for (const ms of [0, -1, NaN, Infinity]) expect(problem({ ms }), String(ms)).toBeDefined();
    expect(problem({ usualMs: NaN })).toBeDefined();
    expect(problem({ kernel: 'x'.repeat(65) })).toBeDefined();
  });
});
