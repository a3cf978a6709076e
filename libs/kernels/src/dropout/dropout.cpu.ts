import { philox4x32 } from '@millrace/core';
import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, integers, type TwinTensors } from '../twin-arrays';
import { dropoutRate } from './dropout-rate';

/** Twin of dropout. Shapes: x[B,T,C] residual[B,T,C] site[2] sequences[B,5] -> y[B,T,C]. */
export function dropoutTwin(dims: Dims, tensors: TwinTensors): void {
  const length = dimension(dims, 'T') * dimension(dims, 'C');
  const { threshold, scale } = dropoutRate(dims);
  const hasResidual = flag(dims, 'residual') === 1;
  const x_BTC = doubles(tensors, 'x_BTC');
  const residual_BTC = doubles(tensors, 'residual_BTC');
  const site_2 = integers(tensors, 'site_2');
  const sequences_B5 = integers(tensors, 'sequences_B5');
  const y_BTC = doubles(tensors, 'y_BTC');
  for (let b = 0; b < dimension(dims, 'B'); b++) {
    const [seedLow, seedHigh, step, sampleLow, sampleHigh] = [0, 1, 2, 3, 4].map((word) => {
      return at(sequences_B5, 5 * b + word);
    }) as [number, number, number, number, number];
    const [key0, key1] = [seedLow ^ at(site_2, 0), seedHigh ^ at(site_2, 1)];
    for (let first = 0; first < length; first += 4) {
      const words = philox4x32([first / 4, sampleLow, step, sampleHigh], key0, key1);
      for (let e = first; e < Math.min(first + 4, length); e++) {
        const index = b * length + e;
        const kept = words[e - first]! < threshold ? 0 : scale * at(x_BTC, index);
        y_BTC[index] = hasResidual ? kept + at(residual_BTC, index) : kept;
      }
    }
  }
}
