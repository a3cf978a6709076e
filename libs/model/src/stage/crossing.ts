import type { ProgramStep, TensorRole } from '@millrace/kernels';
import type { StageContext } from './stage-context';

/** What programs read of a tensor that comes from another stage, or write of one that goes there. */
export interface OwnForm {
  readonly name: string;
  readonly role: TensorRole;
}

/** A residual stream or its gradient where it crosses an end of the stage. */
export interface Crossing {
  /** The tensor that is received or sent. */
  readonly name: string;
  /** The tensor that the stage computes with: the same one, unless it is rounded on its way. */
  readonly own: string;
  /** From the one to the other, before or after everything else. */
  readonly steps: readonly ProgramStep[];
}

/** The name of the tensor that crosses, if `name` is that of the residual stream or of its gradient. */
export function crossingName({ wire }: StageContext, name: string): string {
  return wire === 'f16' ? `${name}.f16` : name;
}

/** Declares what comes from the stage before or after. `own` is needed only where that is rounded. */
export function arriving(context: StageContext, name: string, own: OwnForm): Crossing {
  const { catalog, sizes } = context;
  const crossing = declareCrossing(context, name, 'input');
  if (crossing === name) return { name, own: name, steps: [] };
  const y_L = catalog.declare(own.name, [sizes.N, sizes.C], own.role);
  return { name: crossing, own: y_L, steps: [cast(context, 'widen', { x_L: crossing, y_L })] };
}

/** Declares what goes to the stage before or after. `own` is needed only where that is rounded. */
export function leaving(context: StageContext, name: string, own: OwnForm): Crossing {
  const { catalog, sizes } = context;
  const crossing = declareCrossing(context, name, 'output');
  if (crossing === name) return { name, own: name, steps: [] };
  const x_L = catalog.declare(own.name, [sizes.N, sizes.C], own.role);
  return { name: crossing, own: x_L, steps: [cast(context, 'narrow', { x_L, y_L: crossing })] };
}

function declareCrossing(context: StageContext, name: string, role: TensorRole): string {
  const { catalog, sizes, wire } = context;
  const shape = [sizes.N, sizes.C];
  return catalog.add({ name: crossingName(context, name), shape, dtype: wire, role });
}

function cast(
  { sizes }: StageContext,
  kernel: 'narrow' | 'widen',
  tensors: { readonly x_L: string; readonly y_L: string },
): ProgramStep {
  return { kernel, dims: { L: sizes.N * sizes.C }, tensors };
}
