import { type DType, fromFloat16Bits, toFloat16Array } from '@millrace/tensor';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../src';
import { constantForm, cutLaunch, type ShaderForm, sizedForm, WGSL } from '../src';

/** Host arrays of a kernel's bindings by name. */
export type HostTensors = Readonly<Record<string, Float32Array | Uint32Array>>;

/** A device opened for the conformance suite alone: the product's runtime is libs/runtime. */
export interface TestDevice {
  readonly description: string;
  readonly target: KernelTarget;
  /** Whether shaders may use f16. */
  readonly half: boolean;
  /** Launches `variant` and answers the tensors that the kernel may have written. */
  run(
    kernel: Kernel,
    variant: KernelVariant,
    given: Pick<Dispatch, 'tensors'> & Partial<Pick<Dispatch, 'partCount' | 'sizesInBuffer' | 'wgsl'>>,
  ): Promise<Record<string, Float32Array | Uint32Array>>;
  close(): void;
}

// Dawn ends the process when the instance is collected while a device of it lives.
const instances: GPU[] = [];

const USED_FEATURES = ['subgroups', 'shader-f16'] as const;

const SOFTWARE = /llvmpipe|lavapipe|swiftshader/i;

/** Undefined when this machine has no adapter. */
export async function openTestDevice(): Promise<TestDevice | undefined> {
  // The Vulkan loader refuses some software drivers without it.
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
  // An ES module, which a CommonJS build can only import this way.
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return undefined;
  const subgroups = adapter.features.has('subgroups');
  const device = await adapter.requestDevice({
    requiredFeatures: USED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage,
      maxComputeInvocationsPerWorkgroup: adapter.limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: adapter.limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize,
    },
  });
  const { info } = adapter;
  const fixedSize = info.subgroupMinSize === info.subgroupMaxSize ? { subgroupSize: info.subgroupMinSize } : {};
  const target: KernelTarget = {
    adapterClass: SOFTWARE.test(`${info.device} ${info.description}`) ? 'cpu' : 'gpu',
    maxWorkgroupSize: device.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupsPerDimension: device.limits.maxComputeWorkgroupsPerDimension,
    workgroupBytesMax: device.limits.maxComputeWorkgroupStorageSize,
    subgroups,
    ...(subgroups ? fixedSize : {}),
  };
  return {
    description: `${info.vendor} ${info.device} ${info.description}`,
    target,
    half: device.features.has('shader-f16'),
    run: (kernel, variant, given) => {
      const launched = target.adapterClass === 'cpu' ? rolled(variant) : variant;
      return dispatch(device, { kernel, variant: launched, partCount: 1, ...given });
    },
    close: () => device.destroy(),
  };
}

interface Dispatch {
  readonly kernel: Kernel;
  readonly variant: KernelVariant;
  readonly tensors: HostTensors;
  readonly partCount: number;
  /** Sizes are in a buffer, where the shader has such a form: the one of software drivers. */
  readonly sizesInBuffer?: boolean;
  /** The shader's text, if it is no part of the product. */
  readonly wgsl?: string;
}

/** A GPU's shader with loops that a software driver does not unroll, which takes it seconds. */
function rolled(variant: KernelVariant): KernelVariant {
  const isUnrolled = WGSL[variant.wgsl]?.includes('override ROLLED') ?? false;
  return isUnrolled ? { ...variant, overrides: { ...variant.overrides, ROLLED: 1 } } : variant;
}

function formOf({ variant, wgsl, sizesInBuffer }: Dispatch): ShaderForm {
  if (wgsl !== undefined) return { text: wgsl, constants: variant.overrides };
  return (sizesInBuffer === true ? sizedForm(variant) : undefined) ?? constantForm(variant);
}

function createPipeline(
  device: GPUDevice,
  { kernel, form, first }: Pick<Dispatch, 'kernel'> & { form: ShaderForm; first: GPUBindGroupLayout },
): GPUComputePipeline {
  const types = kernel.bindings.map(({ access }) => (access === 'read' ? 'read-only-storage' : 'storage'));
  const layout = device.createBindGroupLayout({
    entries: [...types, ...(form.sizes === undefined ? [] : ['uniform' as const])].map((type, binding) => {
      return { binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
    }),
  });
  const module = device.createShaderModule({ code: form.text ?? '' });
  return device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout, first] }),
    compute: { module, entryPoint: 'main', constants: form.constants },
  });
}

async function dispatch(device: GPUDevice, request: Dispatch): Promise<Record<string, Float32Array | Uint32Array>> {
  const { kernel, variant, tensors } = request;
  device.pushErrorScope('validation');
  const first = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform' } }],
  });
  const form = formOf(request);
  const pipeline = createPipeline(device, { kernel, form, first });
  const buffers = kernel.bindings.map(({ name, dtype }) => {
    const data = deviceData(tensors[name]!, dtype);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: data.byteLength, usage });
    device.queue.writeBuffer(buffer, 0, data);
    return { name, buffer, dtype, length: tensors[name]!.length };
  });
  const tensorsAndSizes = form.sizes === undefined ? buffers : [...buffers, { buffer: uniform(device, form.sizes) }];
  const entries = tensorsAndSizes.map(({ buffer }, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  const limit = { maxWorkgroupsPerDimension: device.limits.maxComputeWorkgroupsPerDimension };
  const parts = cutLaunch(variant.workgroups, request.partCount, limit);
  for (const { firstGroup, groupCount } of parts) {
    pass.setBindGroup(1, firstGroupBinding(device, first, firstGroup));
    if (request.partCount > 1) pass.dispatchWorkgroups(groupCount);
    else pass.dispatchWorkgroups(...variant.workgroups);
  }
  pass.end();
  const written = buffers.filter((_, index) => kernel.bindings[index]?.access === 'read_write');
  const staged = written.map(({ name, buffer, dtype, length }) => {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = device.createBuffer({ size: buffer.size, usage });
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
    return { name, staging, dtype, length };
  });
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(`${kernel.name} as ${variant.wgsl}: ${error.message}`);
  const results: Record<string, Float32Array | Uint32Array> = {};
  for (const { name, staging, dtype, length } of staged) {
    await staging.mapAsync(GPUMapMode.READ);
    results[name] = hostData(staging.getMappedRange().slice(0), dtype, length);
    staging.destroy();
  }
  for (const { buffer } of buffers) buffer.destroy();
  return results;
}

/** What the device holds of a binding: f16 as bits, to the end of the word. */
function deviceData(data: Float32Array | Uint32Array, dtype: DType): Float32Array<ArrayBuffer> {
  if (dtype !== 'f16') return data as Float32Array<ArrayBuffer>;
  const words = new Float32Array(Math.ceil(data.length / 2));
  new Uint16Array(words.buffer).set(toFloat16Array(data));
  return words;
}

/** What a test reads of a binding: a number for each of its elements. */
function hostData(content: ArrayBuffer, dtype: DType, length: number): Float32Array | Uint32Array {
  if (dtype === 'u32') return new Uint32Array(content);
  return dtype === 'f16'
    ? Float32Array.from(new Uint16Array(content, 0, length), fromFloat16Bits)
    : new Float32Array(content);
}

function firstGroupBinding(device: GPUDevice, layout: GPUBindGroupLayout, firstGroup: number): GPUBindGroup {
  const buffer = uniform(device, new Uint8Array(Uint32Array.of(firstGroup, 0, 0, 0).buffer));
  return device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
}

function uniform(device: GPUDevice, content: Uint8Array): GPUBuffer {
  const buffer = device.createBuffer({ size: content.length, usage: GPUBufferUsage.UNIFORM, mappedAtCreation: true });
  new Uint8Array(buffer.getMappedRange()).set(content);
  buffer.unmap();
  return buffer;
}

/** Sizes in `dims` as one line, for the name of a case. */
export function formatDims(dims: Dims): string {
  return Object.entries(dims)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
