import { describeError } from '@millrace/core';
import {
  chosenVariant,
  type Dims,
  type Kernel,
  type KernelChoices,
  type KernelTarget,
  type KernelVariant,
  NO_CHOICES,
  WGSL,
} from '@millrace/kernels';
import { compileError } from '../runtime.errors';
import type { FirstGroups } from './first-groups';
import { STAGE_COMPUTE } from './gpu-constants';

/** A kernel compiled for certain dims, and how to launch it. */
export interface KernelLaunch {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly workgroups: readonly [number, number, number];
}

interface KernelLayouts {
  readonly layout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
}

interface CompileOptions {
  readonly layout: GPUPipelineLayout;
  /** Values of the shader's overrides. */
  readonly constants: Record<string, number>;
}

/** Pipelines by (WGSL file, override values): many operations of a model share one. */
export class PipelineCache {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly layouts = new Map<string, KernelLayouts>();
  readonly quarantined = new Set<string>();
  /** Of variants that give the same bits, those that are launched. */
  choices: KernelChoices = NO_CHOICES;

  constructor(
    private readonly device: GPUDevice,
    readonly target: KernelTarget,
    private readonly firstGroups: Pick<FirstGroups, 'layout'>,
  ) {}

  /** The kernel's variants failed the self-test: it is launched as its naive variant from now on. */
  quarantine(kernel: string): void {
    this.quarantined.add(kernel);
  }

  /**
   * The variant with which `dims` are launched: the naive one if it is asked for, or if the other one is quarantined.
   */
  variant(kernel: Kernel, dims: Dims, reference = false): KernelVariant {
    const naive = reference || this.quarantined.has(kernel.name);
    return naive ? kernel.reference(dims, this.target) : chosenVariant(kernel, dims, this);
  }

  /** Compiles the kernel, unless that was done before. Throws RUNTIME.COMPILE with the compiler's message. */
  async launch(kernel: Kernel, dims: Dims, variant = this.variant(kernel, dims)): Promise<KernelLaunch> {
    const { wgsl, overrides, workgroups } = variant;
    const { layout, pipelineLayout } = this.kernelLayouts(kernel);
    const constants = Object.entries(overrides).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = `${kernel.name}|${wgsl}|${constants.map(([name, value]) => `${name}=${value}`).join(',')}`;
    let pipeline = this.pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.compile(kernel.name, wgsl, { layout: pipelineLayout, constants: Object.fromEntries(constants) });
      this.pipelines.set(key, pipeline);
    }
    return { pipeline: await pipeline, layout, workgroups };
  }

  private kernelLayouts(kernel: Kernel): KernelLayouts {
    const known = this.layouts.get(kernel.name);
    if (known !== undefined) return known;
    const layout = this.device.createBindGroupLayout({
      label: kernel.name,
      entries: kernel.bindings.map(({ access }, binding) => ({
        binding,
        visibility: STAGE_COMPUTE,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      })),
    });
    const bindGroupLayouts = [layout, this.firstGroups.layout];
    const made = { layout, pipelineLayout: this.device.createPipelineLayout({ bindGroupLayouts }) };
    this.layouts.set(kernel.name, made);
    return made;
  }

  private async compile(kernel: string, wgsl: string, options: CompileOptions): Promise<GPUComputePipeline> {
    const { layout, constants } = options;
    // A module that does not compile is reported here and by the pipeline: the scope keeps it out of the device's error
    // event.
    this.device.pushErrorScope('validation');
    const module = this.module(kernel, wgsl);
    const moduleError = this.device.popErrorScope();
    const compute = { module, entryPoint: 'main', constants };
    const pipeline = this.device.createComputePipelineAsync({ label: wgsl, layout, compute });
    try {
      return await pipeline;
    } catch (error) {
      throw compileError(kernel, (await moduleError)?.message ?? describeError(error));
    }
  }

  private module(kernel: string, wgsl: string): GPUShaderModule {
    const code = WGSL[wgsl];
    if (code === undefined) throw compileError(kernel, `there is no file ${wgsl}`);
    let module = this.modules.get(wgsl);
    if (module === undefined) {
      module = this.device.createShaderModule({ label: wgsl, code });
      this.modules.set(wgsl, module);
    }
    return module;
  }
}
