import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRunSpec } from '@millrace/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { tlsMismatch } from '../../apps/agent/src/session/tls-mismatch';
import { trustingFetch } from '../../apps/cli/src/config/trusting-fetch';
import { queryDatabase } from './support/cluster-database';
import { LiveCluster, ROOT, waitUntil } from './support/live-cluster';
import { runCli } from './support/run-cli';
import { SecondMachine, wordsOf } from './support/second-machine';
import { createSmallDataset, smallRun } from './support/small-run';

/** The commands of the how-to pages, run as they stand there. */
let cluster: LiveCluster;
const folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
const page = (name: string): string => readFileSync(join(ROOT, 'docs', 'how-to', name), 'utf8');

const [upCommand = '', makeToken = '', joinCommand = '', joinAgain = ''] = blocks(page('two-machines.md'), '');

beforeAll(async () => {
  // As the page on two machines starts it, but that nothing here is reached from elsewhere.
  const given = wordsOf(upCommand, { FIRST: 'localhost', '0.0.0.0': '127.0.0.1' });
  expect(given.splice(0, 4)).toEqual(['millrace', 'up', '--agents', '1']);
  expect(given).toContain('--tls');
  const fetchFor = (home: string): typeof fetch => trustingFetch(join(home, 'tls', 'ca.pem'));
  cluster = await LiveCluster.start({ agents: 2, options: given, fetchFor });
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
    env: { ...process.env, MILLRACE_HOME: cluster.home, CURL_CA_BUNDLE: join(cluster.home, 'tls', 'ca.pem') },
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
  expect(longer?.steps).toBe(70);
  expect((await cluster.metric(longer?.id ?? '', 'train/loss')).map(({ step }) => step)[0]).toBe(61);
  expect(tuned?.spec.model.init.from).toBe('safetensors');
  await cluster.untilRun(paused?.id ?? '', ['succeeded']);
  // Paused or not, the same numbers.
  expect(await cluster.modelHash(paused?.id ?? '')).toBe(await cluster.modelHash(first?.id ?? ''));
  // Fine-tuning starts where the export stood: below the loss of a model that knows nothing yet.
  const [start] = await cluster.metric(tuned?.id ?? '', 'train/loss');
  const [untrained] = await cluster.metric(first?.id ?? '', 'train/loss');
  expect(start?.value).toBeLessThan((untrained?.value ?? 0) - 0.1);
});

it("runs the README's commands in order, a second time too", async () => {
  const [, use = ''] = blocks(readFileSync(join(ROOT, 'README.md'), 'utf8'), 'sh');
  const lines = use.split('\n').flatMap((line) => /^npx millrace (.*?) +#/.exec(line)?.[1] ?? []);
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'up',
    'datasets',
    'submit',
    'runs',
    'plan',
    'schedule',
    'doctor',
  ]);
  const environment = { MILLRACE_HOME: cluster.home };
  for (const line of [...lines.slice(1), lines[1] ?? '']) {
    // Watching the whole training would take minutes: that it starts is what may fail here.
    const args = line.split(' ').filter((word) => word !== '--watch');
    const { code, stdout, stderr } = await runCli(args, { environment });
    expect(code, `${line}: ${stderr}`).toBe(0);
    const run = args[0] === 'submit' ? /run_\w+/.exec(stdout)?.[0] : undefined;
    if (run !== undefined) await runCli(['cancel', run], { environment });
  }
});

it('has run specs that are accepted', () => {
  const [spec = ''] = blocks(page('train-your-own-text.md'), 'yaml');
  expect(parseRunSpec(parse(spec)).parallel.pp).toBe(2);
  expect(parseRunSpec(parse(readFileSync(join(ROOT, 'examples', 'moby-gpt.yaml'), 'utf8'))).name).toBe('moby-gpt');
});

describe('an agent on a second machine, over TLS', () => {
  let second: SecondMachine;
  let used = '';
  let agentId = '';
  beforeAll(async () => (second = await SecondMachine.besides(cluster)));
  afterAll(() => second.leave());

  const untilState = (state: string): Promise<void> =>
    waitUntil(`${agentId} is ${state}`, async () => {
      // An agent has its id before it is known: it measures its device in between.
      const { items } = await cluster.client.agents();
      return items.find(({ id }) => id === agentId)?.state === state;
    });
  const makeTokenWith = async (...more: string[]): Promise<string> => {
    const args = [...wordsOf(makeToken).slice(1), ...more];
    const { code, stdout, stderr } = await runCli(args, { environment: { MILLRACE_HOME: cluster.home } });
    expect(code, stderr).toBe(0);
    return stdout;
  };

  it('joins with the command that is printed, trains, and comes back without the token', async () => {
    const [printed = ''] = (await makeTokenWith()).split('\n');
    used = /mlrjoin_\w+/.exec(printed)?.[0] ?? '';
    const documented = second.argumentsOf(joinCommand, used);
    // What is printed is what is documented, but for the address that only the second machine's user knows.
    expect(wordsOf(printed).slice(1)).toEqual(documented.slice(0, -2));
    const first = await second.startAgent(documented);
    ({ agentId } = first);
    await untilState('connected');
    expect((await cluster.client.agent(agentId)).dataAddress).toBe(`127.0.0.1:${second.dataPort}`);
    await reach(second.dataPort);
    await createSmallDataset(cluster.client);
    const { id } = await cluster.client.submitRun(
      smallRun('second-machine', {
        data: { validation: 0 },
        train: { steps: 2, lr: { schedule: 'constant' }, evalEvery: 0, checkpointEvery: 0 },
        parallel: { pp: 1 },
        resources: { labels: { machine: 'second' } },
      }),
    );
    await cluster.untilRun(id, ['succeeded']);
    expect(await cluster.metric(id, 'train/loss')).toHaveLength(2);
    await second.stopAgent(first.child);
    await untilState('disconnected');

    expect(joinAgain).not.toContain('--token');
    const again = await second.startAgent(second.argumentsOf(joinAgain));
    expect(again.agentId).toBe(agentId);
    await untilState('connected');
    await second.stopAgent(again.child);
  });

  it('is refused with a token that is used up or expired, and told what to do', async () => {
    const byUsed = await second.runAgent(second.argumentsOf(joinCommand, used));
    expect(byUsed.code).toBe(1);
    expect(byUsed.stderr).toMatch(new RegExp(`join token is used up.*by ${agentId}.*millrace join-token`));
    const file = join(second.folder, 'join-token');
    expect(await makeTokenWith('--file', file)).not.toContain('mlrjoin');
    await queryDatabase(cluster.home, `UPDATE "JoinToken" SET "expiresAt" = now() - interval '1 minute'`);
    const expired = await second.runAgent([...second.argumentsOf(joinAgain), '--token-file', file]);
    expect(expired.code).toBe(1);
    expect(expired.stderr).toMatch(/join token expired at .*millrace join-token/);
  });

  it('is told what is missing where it does not trust the API', async () => {
    const { grpc: address } = cluster.endpoint;
    const plain = await second.runAgent(['agent', '--join', address, '--token', used]);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/speaks TLS: copy tls\/ca\.pem .* --ca ca\.pem/);
    // The same check within this process, which is cheaper than another one.
    const elsewhere = await tlsMismatch({ address, authority: { name: 'this machine', pem: undefined } });
    expect(elsewhere?.message).toMatch(/is not trusted by this machine: SELF_SIGNED_CERT_IN_CHAIN\. Copy tls\/ca\.pem/);
    const authority = { name: 'ca.pem', pem: readFileSync(join(second.folder, 'ca.pem')) };
    expect(await tlsMismatch({ address, authority })).toBeUndefined();
  });
});

/** Fails unless something listens there. */
function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
