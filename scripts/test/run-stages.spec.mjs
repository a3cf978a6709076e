import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { runStages } from './run-stages.mjs';
import { endProcesses, survivors } from './survivors.mjs';

const children = [];
afterEach(() => endProcesses(children.splice(0).map((child) => ({ pid: child.pid }))));

/** A process that outlives its stage. */
function leave(env) {
  const child = spawn('sleep', ['60'], { env: { ...process.env, ...env }, stdio: 'ignore' });
  children.push(child);
  return child;
}

describe('runStages', () => {
  it('goes on after a failing stage and adds up what all of them counted', async () => {
    const lines = [];
    const stages = [
      { name: 'first', run: async () => ({ passed: 1, failed: 0, skipped: 0 }) },
      { name: 'second', run: async () => Promise.reject(new Error('what is wrong')) },
      { name: 'third', run: async () => ({ passed: 7, failed: 2, skipped: 1 }) },
    ];
    const total = await runStages(stages, {}, { report: (line) => lines.push(line) });
    // One more has passed: no process was left behind.
    expect(total).toEqual({ passed: 9, failed: 3, skipped: 1 });
    expect(lines.map((line) => line.replace(/ \([\d.]+ s\)/, ''))).toEqual([
      'ok      first',
      'what is wrong',
      'FAILED  second',
      'FAILED  third',
      'ok      processes',
    ]);
  });

  it('runs a stage beside the one it names, or by itself where that does not run', async () => {
    const order = [];
    const stage = (name, ms, beside) => ({
      name,
      beside,
      run: async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, ms));
        order.push(`${name} ends`);
        return { passed: 1, failed: 0, skipped: 0 };
      },
    });
    const quiet = { report: () => undefined };
    const stages = [stage('long', 200), stage('check', 20, 'long'), stage('next', 1)];
    expect(await runStages(stages, {}, quiet)).toMatchObject({ passed: 4 });
    expect(order).toEqual(['long begins', 'check begins', 'check ends', 'long ends', 'next begins', 'next ends']);
    order.length = 0;
    expect(await runStages(stages.slice(1, 2), {}, quiet)).toMatchObject({ passed: 2 });
    expect(order).toEqual(['check begins', 'check ends']);
  });

  it('counts a process that a stage left as a failure, names it and ends it', async () => {
    let child;
    const lines = [];
    const stage = {
      name: 'leaky',
      run: async (env) => {
        child = leave(env);
        return { passed: 1, failed: 0, skipped: 0 };
      },
    };
    const total = await runStages([stage], {}, { report: (line) => lines.push(line), graceMs: 500 });
    expect(total).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(lines.join('\n')).toContain(`${child.pid} sleep 60`);
    await expect.poll(() => child.signalCode).toBe('SIGKILL');
  });
});

describe('survivors', () => {
  it('waits for a process that is about to end', async () => {
    const child = leave({ MILLRACE_TEST_RUN: 'spec-of-survivors' });
    setTimeout(() => child.kill(), 300);
    expect(await survivors('MILLRACE_TEST_RUN=spec-of-survivors', 5_000)).toEqual([]);
  });
});
