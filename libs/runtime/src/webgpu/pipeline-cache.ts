import { describeError } from '@millrace/core';
import {
  chosenVariant,
  type Dims,
  type Kernel,
  type KernelChoices,
  type KernelTarget,
  type KernelVariant,
  NO_CHOICES,
  type ShaderForm,
  shaderForm,
} from '@millrace/kernels';
import { compileError } from '../runtime.errors';
import type { FirstGroups } from './first-groups';
import { BUFFER_USAGE, STAGE_COMPUTE } from './gpu-constants';

/** A kernel compiled for certain dims, and how to launch it. */
export interface KernelLaunch {
  readonly pipeline: GPUComputePipeline;
  readonly workgroups: readonly [number, number, number];
  /** Binds the kernel's tensors, and behind them the sizes, if the shader reads these from a buffer. */
  bindGroup(tensors: readonly GPUBufferBinding[]): GPUBindGroup;
}

/** So many buffers of sizes are kept. */
const SIZES_MAX = 4096;

interface KernelLayouts {
  readonly layout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
}

interface CompileOptions extends Pick<ShaderForm, 'text'> {
  /** The shader's name. */
  readonly wgsl: string;
  readonly layout: GPUPipelineLayout;
  /** Values of the shader's overrides. */
  readonly constants: Record<string, number>;
}

/** Pipelines by (WGSL file, override values): many operations of a model share one, or of all models (`shaderForm`). */
export class PipelineCache {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly layouts = new Map<string, KernelLayouts>();
  private readonly sizes = new Map<string, GPUBuffer>();
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
    const { wgsl, workgroups } = variant;
    const form = shaderForm(variant, this.target);
    const { layout, pipelineLayout } = this.kernelLayouts(kernel, form.sizes !== undefined);
    const constants = Object.entries(form.constants).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = `${kernel.name}|${wgsl}|${constants.map(([name, value]) => `${name}=${value}`).join(',')}`;
    let pipeline = this.pipelines.get(key);
    if (pipeline === undefined) {
      const options = { wgsl, text: form.text, layout: pipelineLayout, constants: Object.fromEntries(constants) };
      pipeline = this.compile(kernel.name, options);
      this.pipelines.set(key, pipeline);
    }
    const sizes = form.sizes === undefined ? [] : [{ buffer: this.sizesBuffer(form.sizes) }];
    const bindGroup = (tensors: readonly GPUBufferBinding[]): GPUBindGroup => {
      const entries = [...tensors, ...sizes].map((resource, binding) => ({ binding, resource }));
      return this.device.createBindGroup({ layout, entries });
    };
    return { pipeline: await pipeline, workgroups, bindGroup };
  }

  /** Operations whose sizes are the same numbers share a buffer, whatever these mean. */
  private sizesBuffer(content: Uint8Array): GPUBuffer {
    const key = content.join();
    const known = this.sizes.get(key);
    if (known !== undefined) return known;
    // Bind groups keep those that they use.
    if (this.sizes.size >= SIZES_MAX) this.sizes.clear();
    const usage = BUFFER_USAGE.uniform;
    const buffer = this.device.createBuffer({ label: 'sizes', size: content.length, usage, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(content);
    buffer.unmap();
    this.sizes.set(key, buffer);
    return buffer;
  }

  private kernelLayouts(kernel: Kernel, hasSizes: boolean): KernelLayouts {
    const key = `${kernel.name}|${hasSizes}`;
    const known = this.layouts.get(key);
    if (known !== undefined) return known;
    const types = kernel.bindings.map(({ access }) => (access === 'read' ? 'read-only-storage' : 'storage'));
    const layout = this.device.createBindGroupLayout({
      label: kernel.name,
      entries: [...types, ...(hasSizes ? ['uniform' as const] : [])].map((type, binding) => {
        return { binding, visibility: STAGE_COMPUTE, buffer: { type } };
      }),
    });
    const bindGroupLayouts = [layout, this.firstGroups.layout];
    const made = { layout, pipelineLayout: this.device.createPipelineLayout({ bindGroupLayouts }) };
    this.layouts.set(key, made);
    return made;
  }

  private async compile(kernel: string, options: CompileOptions): Promise<GPUComputePipeline> {
    const { wgsl, layout, constants } = options;
    // A module that does not compile is reported here and by the pipeline: the scope keeps it out of the device's error
    // event.
    this.device.pushErrorScope('validation');
    const module = this.module(kernel, options);
    const moduleError = this.device.popErrorScope();
    const compute = { module, entryPoint: 'main', constants };
    const pipeline = this.device.createComputePipelineAsync({ label: wgsl, layout, compute });
    try {
      return await pipeline;
    } catch (error) {
      throw compileError(kernel, (await moduleError)?.message ?? describeError(error));
    }
  }

  private module(kernel: string, { wgsl, text: code }: CompileOptions): GPUShaderModule {
    if (code === undefined) throw compileError(kernel, `there is no file ${wgsl}`);
    let module = this.modules.get(wgsl);
    if (module === undefined) {
      module = this.device.createShaderModule({ label: wgsl, code });
      this.modules.set(wgsl, module);
    }
    return module;
  }
}
