import type { Recompute } from '@millrace/core';
import { LAYER_PARTS, type LayerTimes } from '@millrace/contracts';
import type { ComputeTimes } from '@millrace/pipeline';
import type { MeasuredLayers } from '../../ledger/runs/plan-basis';

export type LayerPartName = keyof LayerTimes;

/** How long a part of the model takes on a kind of device by the roofline. */
export type EstimateSeconds = (kind: string, recompute: Recompute, part: LayerPartName) => ComputeTimes;

/** Measured times by kind of device. */
export type MeasuredKinds = Readonly<Record<string, MeasuredLayers | undefined>>;

/**
 * Seconds of a part: measured ones or, if there are none, estimated ones multiplied by the factor by which estimates
 * were wrong where both are known. Without that factor a device or setting that was never measured would look faster
 * than a measured one, because a roofline is a bound.
 */
export function layerSeconds(measured: MeasuredKinds, estimate: EstimateSeconds): EstimateSeconds {
  return (kind, recompute, part) => {
    const own = measured[kind]?.[recompute]?.[part];
    if (own !== undefined) return own;
    const rough = estimate(kind, recompute, part);
    const alike = measured[kind] === undefined ? measured : { [kind]: measured[kind] };
    const ratio = meanRatio(alike, estimate, part);
    return { F: rough.F * ratio.F, I: rough.I * ratio.I, W: rough.W * ratio.W };
  };
}

function meanRatio(measured: MeasuredKinds, estimate: EstimateSeconds, part: LayerPartName): ComputeTimes {
  const pairs = Object.entries(measured).flatMap(([kind, settings]) =>
    (Object.entries(settings ?? {}) as [Recompute, LayerTimes][]).map(([recompute, layers]) => ({
      measured: layers[part],
      estimated: estimate(kind, recompute, part),
    })),
  );
  const of = (action: keyof ComputeTimes): number => {
    const ratios = pairs
      .filter((pair) => pair.measured[action] > 0 && pair.estimated[action] > 0)
      .map((pair) => pair.measured[action] / pair.estimated[action]);
    return ratios.length === 0 ? 1 : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  };
  return { F: of('F'), I: of('I'), W: of('W') };
}

/** A device's layers when each part takes `factors` times as long. */
export function scaledLayers(layers: LayerTimes, factors: ComputeTimes): LayerTimes {
  const scaled = ({ F, I, W }: ComputeTimes): ComputeTimes => ({
    F: F * factors.F,
    I: I * factors.I,
    W: W * factors.W,
  });
  const entries = LAYER_PARTS.map((part) => [part, scaled(layers[part])] as const);
  return Object.fromEntries(entries) as LayerTimes;
}
