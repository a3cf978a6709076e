import type { GpuSection } from './gpu-section';
import { measureAttention } from './sections/attention';
import { measureCeilings } from './sections/ceilings';
import { checkConformance } from './sections/conformance';
import { measureKernels } from './sections/kernels';
import { measureProducts } from './sections/products';
import { measureRows } from './sections/rows';
import { measureSteps } from './sections/steps';
import { measureTuning } from './sections/tuning';

export type GpuSectionName =
  'ceilings' | 'tuning' | 'conformance' | 'products' | 'rows' | 'attention' | 'steps' | 'kernels';

interface BoundedSection {
  readonly run: GpuSection;
  /** Its process is ended after so long, whatever it does. */
  readonly secondsMax: number;
}

/** In the order in which they run. Together with the peer they have 8 minutes; what one leaves over is nobody's. */
export const GPU_SECTIONS: Readonly<Record<GpuSectionName, BoundedSection>> = {
  ceilings: { run: measureCeilings, secondsMax: 20 },
  tuning: { run: measureTuning, secondsMax: 30 },
  products: { run: measureProducts, secondsMax: 60 },
  rows: { run: measureRows, secondsMax: 35 },
  attention: { run: measureAttention, secondsMax: 40 },
  steps: { run: measureSteps, secondsMax: 75 },
  conformance: { run: checkConformance, secondsMax: 80 },
  kernels: { run: measureKernels, secondsMax: 50 },
};

/** What the whole takes at most; less than 8 minutes by what starting and ending processes takes. */
export const GPU_SECONDS_MAX = 470;
export const PEER_SECONDS_MAX = 80;
