import { HALF_FORMS, type KernelName } from '@millrace/kernels';
import { expect, it } from 'vitest';
import { openCpuBackend } from './cpu/cpu-backend';
import { SELF_TEST_DIMS } from './self-test-dims';
import { selfTest, type SelfTestedBackend, testedPrecisions } from './self-test';

/** The twins as a device of two shaders for matmul_nn, one of which is wrong, or both alike. */
function deviceOf(wrong: 'used' | 'both'): { backend: SelfTestedBackend; quarantined: string[] } {
  const twins = openCpuBackend();
  const quarantined: string[] = [];
  const isWrong = (): boolean => wrong === 'both' || quarantined.length === 0;
  const own: Partial<SelfTestedBackend> = {
    adapter: { description: 'Test GPU' } as SelfTestedBackend['adapter'],
    shaders: (name: KernelName) => ({ used: name === 'matmul_nn' ? 'tile' : 'scalar', naive: 'scalar' }),
    quarantine: (name: string) => void quarantined.push(name),
    readAll: async (tensors) => {
      const arrays = await twins.readAll(tensors);
      return isWrong() ? arrays.map((values) => values.map((value) => 1.001 * value)) : arrays;
    },
  };
  const backend = new Proxy(twins, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in own ? own : target, key);
      return typeof value === 'function' && !(key in own) ? value.bind(target) : value;
    },
  });
  return { backend: backend as SelfTestedBackend, quarantined };
}

it('quarantines a kernel whose shader disagrees with its twin', async () => {
  const { backend, quarantined } = deviceOf('used');
  const results = await selfTest(backend);
  expect(results.map(({ kernel, ok }) => [kernel, ok])).toEqual(
    SELF_TEST_DIMS.matmul_nn.map(() => ['matmul_nn', false]),
  );
  expect(quarantined).toContain('matmul_nn');
});

it('refuses a driver that computes both shaders wrongly in the same way', async () => {
  const { backend } = deviceOf('both');
  await expect(selfTest(backend)).rejects.toMatchObject({
    code: 'RUNTIME.KERNEL_WRONG',
    message: expect.stringContaining('matmul_nn computes wrongly on Test GPU'),
  });
});

it('is for forms in f16 only on GPUs that have them', () => {
  const features = ['shader-f16', 'subgroups'];
  expect(testedPrecisions({ adapterClass: 'gpu', features })).toEqual(['f32', 'f16']);
  expect(testedPrecisions({ adapterClass: 'gpu', features: ['subgroups'] })).toEqual(['f32']);
  expect(testedPrecisions({ adapterClass: 'cpu', features })).toEqual(['f32']);
});

it('tests forms in f16 for half precision alone', async () => {
  const { backend } = deviceOf('used');
  const tested = async (stored: 'f32' | 'f16'): Promise<string[]> => {
    const asked: string[] = [];
    const own: Partial<SelfTestedBackend> = {
      shaders: (name) => {
        asked.push(name);
        return { used: 'scalar', naive: 'scalar' };
      },
    };
    await selfTest({ ...backend, ...own }, stored);
    return asked;
  };
  expect((await tested('f32')).filter((name) => name.includes('f16'))).toEqual([]);
  expect(new Set(await tested('f16'))).toEqual(new Set(Object.keys(HALF_FORMS)));
});
