import { create, globals } from 'webgpu';

/** tfjs on WebGPU in Node: it looks for `navigator.gpu`, which Node 20 does not have. */
export async function openTfjs() {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]), userAgent: 'node' }, configurable: true });
  // The core package's Node build registers no gradients; the umbrella package does, on the same engine.
  await import('@tensorflow/tfjs');
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs has no WebGPU backend here');
  await tf.ready();
  return tf;
}
