import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRunSpec } from '@millrace/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { LiveCluster, ROOT } from './support/live-cluster';

/** The commands of the how-to pages, run as they stand there. */
let cluster: LiveCluster;
const folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
const page = (name: string): string => readFileSync(join(ROOT, 'docs', 'how-to', name), 'utf8');

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2 });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The fenced blocks of a page in one language, in order and without their indentation. */
function blocks(text: string, language: string): string[] {
  const fences = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'));
  return [...fences].map(([, indentation = '', body = '']) => body.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''));
}

/** Runs a shell script in the folder, with `millrace` as the command of this checkout. */
async function shell(script: string): Promise<string> {
  const prelude = `set -euo pipefail\nmillrace() { node '${join(ROOT, 'bin', 'millrace.js')}' "$@"; }\n`;
  const child = spawn('bash', ['-c', prelude + script], {
    cwd: folder,
    env: { ...process.env, MILLRACE_HOME: cluster.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(code, output).toBe(0);
  return output;
}

it("trains a text of one's own, stops, resumes, goes on, exports and imports it", async () => {
  const text = 'Call me Ishmael. The sea was calm, and I thought I would sail about a little, some years ago. ';
  writeFileSync(join(folder, 'book.txt'), text.repeat(120));
  const train = page('train-your-own-text.md');
  const [spec = ''] = blocks(train, 'yaml');
  writeFileSync(join(folder, 'book.yaml'), spec);
  const script = [...blocks(train, 'sh'), ...blocks(page('resume-and-fine-tune.md'), 'sh')];
  expect(script.length).toBeGreaterThanOrEqual(6);
  await shell(script.join('\n'));

  const { items } = await cluster.client.runs();
  const [tuned, longer, paused, first] = items;
  expect([first, paused, longer, tuned].map((run) => run?.name)).toEqual(['book', 'book', 'book', 'book']);
  expect(longer?.spec.model.init.from).toBe('checkpoint');
  expect(longer?.steps).toBe(30);
  expect((await cluster.metric(longer?.id ?? '', 'train/loss')).map(({ step }) => step)[0]).toBe(21);
  expect(tuned?.spec.model.init.from).toBe('safetensors');
  await cluster.untilRun(paused?.id ?? '', ['succeeded']);
  // Paused or not, the same numbers.
  expect(await cluster.modelHash(paused?.id ?? '')).toBe(await cluster.modelHash(first?.id ?? ''));
  // Fine-tuning starts where the export stood: below the loss of a model that knows nothing yet.
  const [start] = await cluster.metric(tuned?.id ?? '', 'train/loss');
  const [untrained] = await cluster.metric(first?.id ?? '', 'train/loss');
  expect(start?.value).toBeLessThan((untrained?.value ?? 0) - 0.1);
});

it('has run specs that are accepted', () => {
  const [spec = ''] = blocks(page('train-your-own-text.md'), 'yaml');
  expect(parseRunSpec(parse(spec)).parallel.pp).toBe(2);
  expect(parseRunSpec(parse(readFileSync(join(ROOT, 'examples', 'moby-gpt.yaml'), 'utf8'))).name).toBe('moby-gpt');
});
