import type { RopeScaling } from '@millrace/core';

export interface RotarySettings {
  /** D, even. */
  readonly headSize: number;
  readonly theta: number;
  readonly scaling?: RopeScaling | undefined;
}

/** Angle per position of each pair of a head's elements: theta^(-2j/D), scaled. */
export function rotaryFrequencies({ headSize, theta, scaling }: RotarySettings): Float64Array {
  return Float64Array.from({ length: headSize / 2 }, (_, pair) => {
    return scaled(theta ** ((-2 * pair) / headSize), scaling);
  });
}

/**
 * llama3: frequencies whose wavelength fits into the original context often enough stay, those that it hardly holds are
 * divided, and those between go smoothly from one to the other.
 */
function scaled(frequency: number, scaling: RopeScaling | undefined): number {
  if (scaling === undefined) return frequency;
  if (scaling.type === 'linear') return frequency / scaling.factor;
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalContext / highFreqFactor) return frequency;
  if (wavelength > originalContext / lowFreqFactor) return frequency / factor;
  const smooth = (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/**
 * [T, D]: of each position the cosines of its D/2 angles, then their sines. In doubles: the f32 product of position and
 * frequency would be off by 1e-4 at position 8192, and WGSL promises little of cos and sin.
 */
export function rotaryTable(positions: number, settings: RotarySettings): Float64Array {
  const frequencies = rotaryFrequencies(settings);
  const table_TD = new Float64Array(positions * settings.headSize);
  for (let position = 0; position < positions; position++) {
    const start = position * settings.headSize;
    frequencies.forEach((frequency, pair) => {
      table_TD[start + pair] = Math.cos(position * frequency);
      table_TD[start + frequencies.length + pair] = Math.sin(position * frequency);
    });
  }
  return table_TD;
}
