import type { ModelConfig, StageSlice } from '@millrace/core';
import type { Operation, Program } from '@millrace/kernels';
import { buildStagePrograms } from '@millrace/model';
import type { DeviceTensor, WebGpuBackend } from '@millrace/runtime';
import { tensorOf } from '@millrace/tensor';
import { fillTensor } from '../measure/fill-tensors';
import { type AttentionCase, attentionFlops } from '../gpu-cases';
import type { SectionContext } from '../gpu-section';

const PER_MS = 1e6;

/** The operations of attention in a block, whatever kernels the model has for it, without the products around it. */
export async function measureAttention({ device, cases, time }: SectionContext): Promise<void> {
  for (const attention of cases.attention) {
    await device.measure({ name: attention.name, unit: 'GFLOP/s' }, async (backend) => {
      const program = attentionProgram(attention);
      const tensors = new Map<string, DeviceTensor>();
      try {
        program.tensors.forEach((declaration) => tensors.set(declaration.name, backend.allocate(declaration)));
        [...tensors.values()].forEach((tensor, salt) => {
          if (tensor.declaration.content === undefined) fillTensor(backend, tensor, { salt });
        });
        const bound = await backend.bind(program, tensors);
        const { ms, rounds } = await time(backend, () => backend.run(bound));
        const kernels = program.steps.map((step) => ('kernel' in step ? step.kernel : 'clear')).join(' ');
        return { ours: attentionFlops(attention) / ms / PER_MS, detail: { ms, rounds, kernels } };
      } finally {
        release(backend, tensors);
      }
    });
  }
}

function release(backend: WebGpuBackend, tensors: ReadonlyMap<string, DeviceTensor>): void {
  for (const tensor of tensors.values()) backend.release(tensor);
}

/** A block of a model of these sizes has the operations; what it does besides is left out. */
export function attentionProgram({ pass, dtype: precision, B, T, H, G, D }: AttentionCase): Program {
  const config: ModelConfig = {
    family: G === H ? 'gpt2' : 'llama',
    ...{ layers: 1, heads: H, hidden: H * D, ffn: 4, context: T, vocab: 4, tieEmbeddings: true },
    ...(G === H ? {} : { kvHeads: G, headSize: D }),
  };
  const slice: StageSlice = { firstLayer: 0, layerCount: 1, embedding: false, head: false };
  const { forward, backwardInput, backwardWeight } = buildStagePrograms(config, slice, { microBatch: B, precision });
  const programs = pass === 'forward' ? [forward] : [backwardInput, backwardWeight];
  const isAttention = (step: Program['steps'][number]): step is Operation => {
    return 'kernel' in step && step.kernel.includes('attention');
  };
  const steps = programs.flatMap((program) => program.steps.filter(isAttention));
  const names = new Set(steps.flatMap(({ tensors }) => Object.values(tensors).map(tensorOf)));
  const declarations = new Map(programs.flatMap(({ tensors }) => tensors.map((each) => [each.name, each])));
  return { name: `attention-${pass}`, tensors: [...names].map((name) => declarations.get(name)!), steps };
}
