import { type Backend, openCpuBackend } from '@millrace/runtime';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { openTestBackend } from './software-vulkan';

export interface TestBackend {
  readonly kind: 'cpu' | 'webgpu';
  open(): Promise<Backend | undefined>;
}

/** What tests of both backends run on, for describe.each: the twins, and what openTestBackend opens. */
export function testBackends(env: NodeJS.ProcessEnv): readonly [cpu: TestBackend, webgpu: TestBackend] {
  return [
    { kind: 'cpu', open: () => Promise.resolve(openCpuBackend()) },
    { kind: 'webgpu', open: () => openTestBackend(env) },
  ];
}

/** Opens one backend for the tests of the suite that calls this, which are skipped where there is no adapter. */
export function backendOfSuite(open: TestBackend['open']): () => Backend {
  let opened: Backend | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.destroy());
  beforeEach((context) => context.skip(opened === undefined, 'no adapter'));
  return () => opened!;
}
