import { BUFFER_USAGE, STAGE_COMPUTE } from './gpu-constants';

/** Uniforms are bound in whole vectors. */
const SIZE_BYTES = 16;
/** So many are kept, since where long launches are cut varies with the device's speed. */
const KEPT_MAX = 4096;

/** Makes the second bind group of every kernel, which tells a dispatch with which workgroup of its launch it begins. */
export class FirstGroups {
  readonly layout: GPUBindGroupLayout;
  /** For a dispatch that is a whole launch. */
  readonly zero: GPUBindGroup;
  private readonly kept = new Map<number, GPUBindGroup>();

  constructor(private readonly device: GPUDevice) {
    const entries = [{ binding: 0, visibility: STAGE_COMPUTE, buffer: { type: 'uniform' as const } }];
    this.layout = device.createBindGroupLayout({ label: 'first group', entries });
    this.zero = this.make(0);
  }

  at(firstGroup: number): GPUBindGroup {
    if (firstGroup === 0) return this.zero;
    const known = this.kept.get(firstGroup);
    if (known !== undefined) return known;
    if (this.kept.size >= KEPT_MAX) this.kept.clear();
    const made = this.make(firstGroup);
    this.kept.set(firstGroup, made);
    return made;
  }

  private make(firstGroup: number): GPUBindGroup {
    const { device, layout } = this;
    const usage = BUFFER_USAGE.uniform;
    const buffer = device.createBuffer({ label: 'first group', size: SIZE_BYTES, usage, mappedAtCreation: true });
    new Uint32Array(buffer.getMappedRange()).set([firstGroup]);
    buffer.unmap();
    return device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
  }
}
