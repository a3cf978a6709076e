import type { TensorDeclaration, TensorPack, TensorRole } from '@millrace/kernels';
import { DTYPE_BYTES, elementCount, viewAlignment } from '@millrace/tensor';
import type { ParameterDeclaration } from '../parameters';

/** The least that an adapter can bind at once: the squares of several parameters are not cut. */
const PACK_BYTES_MAX = 128 * 1024 * 1024;

export interface PackedParameter {
  readonly parameter: ParameterDeclaration;
  /** Its first element in the pack. */
  readonly offset: number;
}

/** Parameters that are updated together: they are side by side in one tensor, and so is what goes with them. */
export interface ParameterPack {
  readonly name: string;
  readonly parameters: readonly PackedParameter[];
  /** Elements up to the end of the last parameter, with those that are left out between two of them. */
  readonly length: number;
  readonly decay: boolean;
  /** Whether it is one parameter that exceeds a pack, which it does in every stage. */
  readonly oversized: boolean;
}

/**
 * Packs the parameters of a stage, those that decay apart from those that do not: then the shaders of both gradients,
 * of a matrix and of the vectors beside it, write different buffers and need not wait for each other. A parameter that
 * is as large as a pack has one to itself.
 */
export function packParameters(
  parameters: readonly ParameterDeclaration[],
  packBytesMax = PACK_BYTES_MAX,
): ParameterPack[] {
  const elementsMax = packBytesMax / DTYPE_BYTES.f32;
  const packs: PackedParameter[][] = [];
  const open = new Map<boolean, PackedParameter[]>();
  for (const parameter of parameters) {
    const count = elementCount(parameter.shape);
    let pack = count > elementsMax ? [] : open.get(parameter.decay);
    if (pack === undefined || alignedEnd(pack) + count > elementsMax) pack = [];
    if (pack.length === 0) packs.push(pack);
    pack.push({ parameter, offset: alignedEnd(pack) });
    if (count <= elementsMax) open.set(parameter.decay, pack);
  }
  return packs.map((pack, index) => ({
    name: `pack.${index}`,
    parameters: pack,
    length: endOf(pack),
    decay: pack[0]!.parameter.decay,
    oversized: endOf(pack) > elementsMax,
  }));
}

function endOf(pack: readonly PackedParameter[]): number {
  const last = pack.at(-1);
  return last === undefined ? 0 : last.offset + elementCount(last.parameter.shape);
}

function alignedEnd(pack: readonly PackedParameter[]): number {
  const alignment = viewAlignment('f32');
  return alignment * Math.ceil(endOf(pack) / alignment);
}

/** Tensors of which a pack holds one for each parameter: the weights themselves, gradients or a state. */
export interface PackedKind {
  /** The name of the tensor that holds all of them. */
  readonly name: string;
  readonly role: TensorRole;
  nameOf(parameter: string): string;
}

export function tensorPack({ parameters, length }: ParameterPack, { name, role, nameOf }: PackedKind): TensorPack {
  const declare = (own: string, shape: readonly number[]): TensorDeclaration => {
    return { name: own, shape, role, dtype: 'f32' };
  };
  const parts = parameters.map(({ parameter, offset }) => {
    return { declaration: declare(nameOf(parameter.name), parameter.shape), offset };
  });
  return { whole: declare(name, [length]), parts };
}
