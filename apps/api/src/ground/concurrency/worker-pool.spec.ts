import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Unanswered, WorkerPool } from './worker-pool';

const folder = mkdtempSync(join(tmpdir(), 'millrace-pool-'));
const file = join(folder, 'entry.cjs');
writeFileSync(
  file,
  `const { parentPort, threadId } = require('node:worker_threads');
   parentPort.on('message', (task) => {
     if (task === 'never') return;
     if (task === 'exit') process.exit(3);
     if (task === 'bug') throw new Error('a bug');
     if (task === 'refuse') parentPort.postMessage({ error: { code: 'A.B', kind: 'invalid', message: 'no' } });
     else if (task === 'fill') { const all = []; for (;;) all.push(new Array(100000).fill(all.length)); }
     else parentPort.postMessage({ value: [threadId, task] });
   });`,
);
afterAll(() => rmSync(folder, { recursive: true }));

const unanswered = (why: Unanswered): AppError => new AppError({ code: why, kind: 'unavailable', message: why });
let pool: WorkerPool<unknown>;
const clock = new FakeClock();
function open(threadsMax = 1, waitingMax = 2): WorkerPool<unknown> {
  pool = new WorkerPool({ file, clock, threadsMax, waitingMax, timeoutMs: 1000, heapMibMax: 32, unanswered });
  return pool;
}
afterEach(() => pool.close());

const answerOf = async (work: Promise<unknown>): Promise<unknown> => {
  const answer = await work.catch((error: unknown) => (error instanceof AppError ? error.code : String(error)));
  return typeof answer === 'string' ? answer : (answer as [number, unknown])[1];
};

describe('WorkerPool', () => {
  it('answers in order, on one thread that stays', async () => {
    open();
    const answers = await Promise.all([1, 2, 3].map((task) => pool.run<[number, number]>(task)));
    expect(answers.map(([, task]) => task)).toEqual([1, 2, 3]);
    expect(new Set(answers.map(([thread]) => thread)).size).toBe(1);
  });

  it('gives up what takes too long and ends its thread; what waits has a bound', async () => {
    open();
    const slow = answerOf(pool.run('never'));
    const waiting = [answerOf(pool.run(1)), answerOf(pool.run(2))];
    expect(await answerOf(pool.run(3))).toBe('busy');
    clock.fireNext();
    expect(await slow).toBe('too slow');
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });

  it('runs as many at a time as it has threads', async () => {
    open(2);
    const slow = answerOf(pool.run('never'));
    expect(await answerOf(pool.run(1))).toBe(1);
    await pool.close();
    expect(await slow).toBe('API.THREADS_STOPPED');
  });

  it.each([
    ['an error of the task', 'refuse', 'A.B'],
    ['a bug', 'bug', 'Error: a bug'],
    ['a thread that ends', 'exit', `InvariantError: a thread of ${file} ended by itself`],
    ['too little memory', 'fill', 'too slow'],
  ])('tells of %s, and goes on with the next', async (_, task, told) => {
    open();
    expect(await answerOf(pool.run(task))).toBe(told);
    expect(await answerOf(pool.run(1))).toBe(1);
  });

  it('tells of a file that is not there', async () => {
    pool = new WorkerPool({
      file: join(folder, 'no.js'),
      clock,
      threadsMax: 1,
      waitingMax: 1,
      timeoutMs: 1,
      heapMibMax: 32,
      unanswered,
    });
    expect(await answerOf(pool.run(1))).toContain('Cannot find module');
  });

  it('lets whoever waits know when it is closed', async () => {
    open();
    const asked = [answerOf(pool.run('never')), answerOf(pool.run(1))];
    await pool.close();
    expect(await Promise.all(asked)).toEqual(['API.THREADS_STOPPED', 'API.THREADS_STOPPED']);
    expect(await answerOf(pool.run(1))).toBe('API.THREADS_STOPPED');
  });
});
