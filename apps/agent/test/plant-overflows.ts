import type { Backend, DeviceTensor } from '@millrace/runtime';

export interface PlantedOverflows {
  /** The steps in which the gradient is not finite. */
  readonly steps: readonly number[];
  readonly firstStep?: number;
  /** The parameter whose gradient it is; a backend without it changes nothing. */
  readonly parameter: string;
}

/** Makes an element of a gradient infinite, before its squares are added up. */
export function plantOverflows(backend: Backend, { steps, firstStep = 1, parameter }: PlantedOverflows): Backend {
  const { run, part, bind } = backend;
  let gradient: DeviceTensor | undefined;
  let chunkCount = 0;
  let runCount = 0;
  backend.part = (whole, declaration, offset) => {
    const tensor = part.call(backend, whole, declaration, offset);
    if (declaration.name === `${parameter}.grad`) gradient = tensor;
    return tensor;
  };
  backend.bind = (program, tensors) => {
    if (program.name === 'squares') chunkCount++;
    return bind.call(backend, program, tensors);
  };
  backend.run = (program) => {
    if (program.name === 'squares') {
      // Each chunk adds its squares up once to warm up, and then in each step.
      const step = firstStep - 1 + Math.floor(runCount++ / chunkCount);
      if (gradient !== undefined && steps.includes(step)) backend.write(gradient, Float64Array.of(Infinity));
    }
    run.call(backend, program);
  };
  return backend;
}
