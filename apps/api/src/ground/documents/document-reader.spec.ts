import { readdirSync, readFileSync } from 'node:fs';
import { AppError, systemClock } from '@millrace/core';
import { afterAll, describe, expect, it } from 'vitest';
import { WORKER_NICENESS } from '../concurrency/serve-work';
import { DocumentReader } from './document-reader';

const reader = new DocumentReader(systemClock);
afterAll(() => reader.onModuleDestroy());

const yaml = (text: string): Promise<unknown> => reader.read(Buffer.from(text), 'application/yaml');
/** By thread of this process, as Linux tells it. */
const niceness = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: unknown) => (error instanceof AppError ? `${error.code} ${error.message}` : String(error)),
  );

describe('documents from outside', () => {
  it('are read as what they say', async () => {
    expect(await yaml('a: [1, x]\nb: &x {c: 1.5}\nd: *x')).toEqual({ a: [1, 'x'], b: { c: 1.5 }, d: { c: 1.5 } });
    expect(await reader.read(Buffer.from('{"a": {"b": 1}, "c": {"b": 2}}'), 'application/json')).toEqual({
      a: { b: 1 },
      c: { b: 2 },
    });
  });

  it.each([
    ['a key twice', 'a: 1\nb: 2\na: 3', /"a" occurs twice at line 3, column 1/],
    ['an error, the first one only', 'a: ]\nb: }', /at line 1, column 4/],
    ['an alias as a key', 'a: &x 1\n*x : 2', /keys must be plain words/],
    // The parser would refuse these too, or end the process.
    ['brackets without end', '['.repeat(2000), /more than 64 brackets are open: nest less deeply \(line 1\)/],
    ['a list as a key', '[a]: 2', /keys must be plain words/],
    ['aliases that multiply', `a: &a [1]\nb: &b [${'*a,'.repeat(30)}]\nc: [${'*b,'.repeat(30)}]`, /alias/],
  ])('are refused with %s', async (_, text, reason) => {
    expect(await refusal(yaml(text))).toMatch(reason);
  });

  it('are refused as JSON where a key occurs twice, as YAML does', async () => {
    const twice = reader.read(Buffer.from('{"train": {"steps": 1, "steps": 2}}'), 'application/json');
    expect(await refusal(twice)).toMatch(/^API.DOCUMENT_MALFORMED .*"steps" occurs twice/);
  });

  it('are refused as JSON where they have more entries than anybody needs', async () => {
    const long = reader.read(Buffer.from(JSON.stringify(Array(50_001).fill(1))), 'application/json');
    expect(await refusal(long)).toMatch(/^API.DOCUMENT_MALFORMED .*more than 50000 entries/);
  });

  // Each of these texts once took seconds on the event loop, or ended the process.
  it.each([
    ['thirty thousand keys', Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['closing braces', `a: ${'}'.repeat(80_000)}`],
    ['unknown escapes', `a: "${'\\z'.repeat(40_000)}"`],
    ['unknown tags', Array.from({ length: 16_000 }, () => '- !x').join('\n')],
  ])('do not keep the event loop: %s', async (_, text) => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await refusal(yaml(text));
    clearInterval(timer);
    // The worker was busy meanwhile, but this thread was not.
    expect(turns).toBeGreaterThan(0);
    expect(await yaml('a: 1')).toEqual({ a: 1 });
  });

  it('are read by a thread that lets the event loop go first', async (context) => {
    if (process.platform !== 'linux') context.skip('only Linux has a priority for each thread');
    const own = niceness(readFileSync('/proc/thread-self/stat', 'utf8'));
    await yaml('a: 1');
    const all = readdirSync('/proc/self/task').map((id) =>
      niceness(readFileSync(`/proc/self/task/${id}/stat`, 'utf8')),
    );
    expect(all).toContain(Math.max(own, WORKER_NICENESS));
    expect(niceness(readFileSync('/proc/thread-self/stat', 'utf8'))).toBe(own);
  });
});
