import { expect, it } from 'vitest';
import { KERNELS, type KernelTarget, sizedForm } from '../src';
import { CONFORMANCE_CASES } from './conformance-cases';

const LAVAPIPE: KernelTarget = {
  adapterClass: 'cpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  subgroups: true,
  subgroupSize: 8,
};

it('every shader that a software driver runs has a form that is compiled once for all shapes', () => {
  const launched = CONFORMANCE_CASES.flatMap(({ kernel: name, dims }) =>
    dims.flatMap((each) => [KERNELS[name].variant(each, LAVAPIPE), KERNELS[name].reference(each, LAVAPIPE)]),
  );
  expect(launched.length).toBeGreaterThan(100);
  const without = launched.filter((variant) => sizedForm(variant) === undefined);
  expect(without.map(({ wgsl }) => wgsl)).toEqual([]);
});
