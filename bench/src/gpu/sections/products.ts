import type { DeviceTensor, WebGpuBackend } from '@millrace/runtime';
import { fromFloat16Bits, toFloat16Bits } from '@millrace/tensor';
import { bindKernel } from '../measure/bound-kernel';
import { noise } from '../measure/fill-tensors';
import { type ProductCase, productKernel } from '../gpu-cases';
import type { SectionContext } from '../gpu-section';
import { BenchError } from '../bench-error';

const PER_MS = 1e6;
/** What no flag asks for is bound and not read. */
const UNREAD = { shape: [64] };
/** So many results are added up on the host. */
const CHECKED = 5;
/** Of the sum of the magnitudes of the products. */
const TOLERANCE = 4e-7;
/** By so much a result may be rounded that is stored as f16. */
const HALF_EPSILON = 2 ** -10;

/** Matrix products as the model would launch them, each held to some of its sums before its speed counts. */
export async function measureProducts(context: SectionContext): Promise<void> {
  const { device, cases, time } = context;
  for (const product of cases.products) {
    const { name, size } = product;
    await device.measure({ name, unit: 'GFLOP/s' }, async (backend) => {
      const { kernel, dims } = productKernel(product);
      const declarations = new Map([
        ['bias_N', UNREAD],
        ['residual_MN', UNREAD],
      ]);
      const { bound, tensors, release } = await bindKernel(backend, { kernel, dims, declarations });
      const { ms, rounds } = await time(backend, () => backend.run(bound));
      await checkSums(backend, tensors.get('c_MN')!, product);
      release();
      const { used } = backend.shaders(kernel, dims);
      return { ours: (2 * size ** 3) / ms / PER_MS, detail: { ms, rounds, shader: used } };
    });
  }
}

/** Compares a few sums with those of the made-up factors in double precision. */
async function checkSums(backend: WebGpuBackend, c: DeviceTensor, { dtype, layout, size }: ProductCase): Promise<void> {
  const factor = (index: number, salt: number): number => {
    const value = noise(index, salt);
    return dtype === 'f16' ? fromFloat16Bits(toFloat16Bits(value)) : value;
  };
  const a = (i: number, k: number): number => factor(layout === 'tn' ? k * size + i : i * size + k, 0);
  const b = (k: number, j: number): number => factor(layout === 'nt' ? j * size + k : k * size + j, 1);
  // Whole words are read, which two elements of f16 are.
  const places = Array.from(
    { length: CHECKED },
    (_, index) => 2 * Math.floor(((index + 0.5) / CHECKED / 2) * size ** 2),
  );
  const pieces = places.map((elementOffset) => ({ tensor: c, elementOffset, elementCount: 2 }));
  const read = await backend.readAll(pieces);
  const isHalf = c.declaration.dtype === 'f16';
  places.forEach((place, index) => {
    const [i, j] = [Math.floor(place / size), place % size];
    const [stored] = read[index]!;
    const found = isHalf ? fromFloat16Bits(stored!) : stored!;
    let [sum, magnitude] = [0, 0];
    for (let k = 0; k < size; k++) {
      sum += a(i, k) * b(k, j);
      magnitude += Math.abs(a(i, k) * b(k, j));
    }
    const allowed = TOLERANCE * magnitude + (isHalf ? HALF_EPSILON * Math.abs(sum) : 0);
    if (!(Math.abs(found - sum) <= allowed))
      throw new BenchError('BENCH.WRONG_RESULT', `c[${i}, ${j}] is ${found} and should be ${sum}`);
  });
}
