import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type {
  AgentBody,
  CheckpointBody,
  DatasetBody,
  GeneratedBody,
  LogLineBody,
  PlanBody,
  RunBody,
  RunSpecInput,
  SubmittedBody,
} from '@millrace/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { LiveCluster, ROOT, waitUntil } from './support/live-cluster';
import { type CliOptions, type CliResult, documentOf, runCli } from './support/run-cli';
import { createSmallDataset, smallRun } from './support/small-run';

/** The command line as a user meets it: its text, its documents, its exit codes. */
let cluster: LiveCluster;
const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2 });
  await createSmallDataset(cluster.client);
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  runCli(args, { ...options, environment: { MILLRACE_HOME: cluster.home, ...options.environment } });

const json = async <T>(...args: string[]): Promise<T> => documentOf<T>(await cli([...args, '--json']));

/** A command into a reader that may leave early: it fails if either of them does. */
function piped(command: string, reader: string): Promise<{ stdout: string; stderr: string }> {
  const program = `'${process.execPath}' '${join(ROOT, 'bin', 'millrace.js')}'`;
  const environment = { ...process.env, MILLRACE_HOME: cluster.home };
  return promisify(execFile)('bash', ['-c', `set -o pipefail; ${program} ${command} | ${reader}`], {
    env: environment,
  });
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const specFile = (name: string, overrides?: Parameters<typeof smallRun>[1]): string =>
  file(`${name}.yaml`, stringify(smallRun(name, overrides)));

const LONG = { train: { steps: 100_000, checkpointEvery: 0 } };

describe('without a cluster', () => {
  const nowhere = { environment: { MILLRACE_HOME: join(folder, 'no-home') } };

  it('tells its version through npx', async () => {
    const { stdout } = await promisify(execFile)('npx', ['--no', 'millrace', '--version'], { cwd: ROOT });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await promisify(execFile)('npx', ['millrace', '--help'], { cwd: ROOT });
    expect(help.stdout).toContain('Usage: millrace');
  });

  it('ends quietly when its reader has enough', async () => {
    const command = `'${join(ROOT, 'bin', 'millrace.js')}' schedule 1f1b --ranks 8 --microbatches 4096 --csv | head -c 1`;
    const script = `set -o pipefail; '${process.execPath}' ${command}`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script]);
    expect(stdout).toHaveLength(1);
    expect(stderr).toBe('');
  });

  it('has an example in the help of every command', async () => {
    const { stdout } = await cli(['--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== 'help');
    expect(names).toEqual(
      expect.arrayContaining([
        'up',
        'agent',
        'submit',
        'runs',
        'show',
        'metrics',
        'logs',
        'cancel',
        'checkpoints',
        'generate',
        'agents',
        'drain',
        'pause',
        'resume',
        'datasets',
        'plan',
        'schedule',
        'doctor',
        'leftovers',
      ]),
    );
    for (const name of names) {
      const help = await cli([name, '--help']);
      expect(help.code, name).toBe(0);
      expect(help.stdout, name).toMatch(new RegExp(`Example:\\n  \\$ millrace ${name}\\b`));
      expect(help.stdout, name).toContain('--json');
    }
  });

  it('draws a schedule, and accounts for it', async () => {
    const args = ['schedule', '1f1b', '--ranks', '2', '--microbatches', '4'];
    const drawn = await cli(args, nowhere);
    expect(drawn.code).toBe(0);
    expect(drawn.stdout).toMatch(/bubble \d+\.\d% of total/);
    const account = documentOf<{ stepTime: number; bubbleOfIdeal: number; peakMicroBatches: unknown }>(
      await cli([...args, '--json'], nowhere),
    );
    expect(account).toMatchObject({ stepTime: 15, bubbleOfIdeal: 0.25, peakMicroBatches: { untilInput: [2, 1] } });
    expect((await cli([...args, '--csv'], nowhere)).stdout.trim().split('\n')).toHaveLength(2);
    expect((await cli([...args, '--svg'], nowhere)).stdout).toMatch(/^<svg[\s\S]*<\/svg>\n?$/);
  });

  it('says what to do when no cluster is known', async () => {
    const { code, stdout, stderr } = await cli(['runs'], nowhere);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/no cluster is known.*millrace up.*MILLRACE_ENDPOINT/s);
    const asJson = await cli(['runs', '--json'], nowhere);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'CLI.ENDPOINT_UNKNOWN' } });
  });

  it('says so when nothing answers', async () => {
    const environment = { ...nowhere.environment, MILLRACE_ENDPOINT: 'http://127.0.0.1:9', MILLRACE_TOKEN: 'x' };
    const { code, stderr } = await cli(['runs'], { environment });
    expect(code).toBe(1);
    expect(stderr).toMatch(/no Millrace API answers at http:\/\/127\.0\.0\.1:9/);
  });

  it('names an unknown command and a wrong option', async () => {
    expect((await cli(['sumbit'])).stderr).toMatch(/unknown command 'sumbit'[\s\S]*submit/);
    const { code, stderr } = await cli(['schedule', '1f1b', '--ranks', '0', '--microbatches', '4']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--ranks.*whole number of at least 1/);
  });
});

describe('doctor', () => {
  it('finds this machine healthy and says what it found', async () => {
    const { healthy, findings } = await json<{ healthy: boolean; findings: { name: string; status: string }[] }>(
      'doctor',
    );
    expect(findings.filter(({ status }) => status === 'problem')).toEqual([]);
    expect(healthy).toBe(true);
    const names = findings.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['versions', 'adapter', 'driver', 'limits', 'features', 'database', 'disk', 'cluster']),
    );
    const { stdout } = await cli(['doctor']);
    expect(stdout).toMatch(/^ok {4}versions +Millrace/);
    expect(stdout).toMatch(/2 of 2 agents connected/);
  });

  it('gives the command that mends a problem', async () => {
    const environment = {
      MILLRACE_HOME: join(folder, 'doctor-home'),
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none',
    };
    const { code, stdout } = await cli(['doctor'], { environment });
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL {2}database.*\n +mend it with: unset DATABASE_URL/);
  });
});

describe('datasets', () => {
  it('are made from a text, listed and deleted', async () => {
    const text = 'the quick brown fox jumps over the lazy dog. '.repeat(40);
    const made = await json<DatasetBody>('datasets', 'create', file('fox.txt', text), '--tokenizer', 'char');
    expect(made).toMatchObject({ name: 'fox', tokenizer: 'char', tokens: text.length, vocab: new Set(text).size });
    const list = await json<DatasetBody[]>('datasets');
    expect(list.map(({ name }) => name).sort()).toEqual(['fox', 'small']);
    const { stdout } = await cli(['datasets']);
    expect(stdout).toMatch(/^ID +NAME +TOKENIZER +TOKENS +VOCAB +SIZE +CREATED$/m);
    expect(stdout).toMatch(new RegExp(`^${made.id} +fox +char +${text.length} `, 'm'));

    const again = await cli(['datasets', 'create', join(folder, 'fox.txt'), '--tokenizer', 'byte']);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/already a dataset called fox/);

    expect((await cli(['datasets', 'delete', 'foxes'])).stderr).toMatch(/no dataset foxes.*`millrace datasets` lists/);
    expect(await json('datasets', 'delete', 'fox')).toEqual({ id: made.id, deleted: true });
    expect((await json<DatasetBody[]>('datasets')).map(({ name }) => name)).toEqual(['small']);
  });

  it('need a file that can be read, and a tokenizer', async () => {
    expect((await cli(['datasets', 'create', join(folder, 'nowhere.txt'), '--tokenizer', 'char'])).stderr).toMatch(
      /nowhere\.txt cannot be read/,
    );
    const { code, stderr } = await cli(['datasets', 'create', file('bare.txt', 'abc')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/tokenizer/);
  });
});

describe('a run', () => {
  let run: RunBody;
  const name = 'cli-run';

  it('is planned without being submitted', async () => {
    const plan = await json<PlanBody>('plan', specFile(name));
    // How many each gets depends on what the agents measured when they started.
    expect(plan.stages.map(({ layerCount }) => layerCount).reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(plan.runnerUps.map(({ name }) => name)).toContain('even split');
    expect(plan.pending).toBeNull();
    const { stdout } = await cli(['plan', specFile(name)]);
    expect(stdout).toMatch(/^RANK +AGENT +LAYERS +PARAMETERS +MEMORY$/m);
    expect(stdout).toMatch(/^1f1b, m = 5 on 2 devices: .* per step, bubble/m);
    expect(await json<RunBody[]>('runs')).toEqual([]);
  });

  it('is watched to its end, with a document on stdout and progress on stderr', async () => {
    // The split is given: measured speeds would say otherwise on a busy machine.
    const spec = specFile(name, { parallel: { partition: [2, 2] } });
    const result = await cli(['submit', spec, '--watch', '--json']);
    run = documentOf<RunBody>(result);
    expect(run).toMatchObject({ name, state: 'succeeded', step: 12, steps: 12 });
    expect(result.stderr).toMatch(/^run_\w+ queued$/m);
    expect(result.stderr).toMatch(/^step 12\/12 {2}loss \d+\.\d{4} {2}.* tokens\/s/m);
    expect(result.stderr).toMatch(/^validation loss after step 12: \d+\.\d{4}$/m);
    expect(result.stderr).toMatch(new RegExp(`^${name} is succeeded`, 'm'));
  });

  it('is listed and shown', async () => {
    expect((await json<RunBody[]>('runs')).map(({ id }) => id)).toEqual([run.id]);
    expect((await cli(['runs'])).stdout).toMatch(new RegExp(`^${run.id} +${name} +succeeded +12 +12 +`, 'm'));
    expect(await json<RunBody>('show', run.id)).toEqual(run);
    const { stdout } = await cli(['show', run.id]);
    expect(stdout).toMatch(new RegExp(`^${run.id} {2}${name} {2}succeeded {2}step 12 of 12$`, 'm'));
    expect(stdout).toMatch(/attempt 1: .* on agent_\w+ \(layers 0-1\) and agent_\w+ \(layers 2-3\)/);
  });

  it('has metrics and logs', async () => {
    const losses = await json<{ step: number; value: number }[]>('metrics', run.id);
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect((await cli(['metrics', run.id, '--name', 'val/loss'])).stdout).toMatch(/^STEP +VAL\/LOSS\n +6 .*\n +12 /);
    expect(Array.isArray(await json<LogLineBody[]>('logs', run.id))).toBe(true);
    const followed = await cli(['logs', '-f', run.id]);
    expect(followed.code).toBe(0);
    const typo = await cli(['metrics', run.id, '--name', 'typo']);
    expect(typo.code).toBe(1);
    expect(typo.stderr).toMatch(/there is no metric typo; it is one of train\/loss/);
    expect(await piped(`metrics ${run.id}`, 'head -c 1')).toEqual({ stdout: 'S', stderr: '' });
    // This reader is gone before the first line is written.
    expect(await piped(`metrics ${run.id}`, 'true')).toEqual({ stdout: '', stderr: '' });
  });

  it('has checkpoints that write text', async () => {
    const checkpoints = await json<CheckpointBody[]>('checkpoints', run.id);
    expect(checkpoints.map(({ step }) => step).sort((a, b) => a - b)).toEqual([4, 8, 12]);
    expect((await cli(['checkpoints', run.id])).stdout).toMatch(/^ID +STEP +SIZE +CREATED$/m);
  });

  it('writes text, the same for the same seed', async () => {
    const text = file('hamlet.txt', 'to be, or not to be, that is the question. '.repeat(60));
    await json<DatasetBody>('datasets', 'create', text, '--tokenizer', 'char');
    const spec = specFile('hamlet', { data: { dataset: 'hamlet', validation: 0 } });
    const { id } = documentOf<RunBody>(await cli(['submit', spec, '--watch', '--json']));
    const [newest] = (await json<CheckpointBody[]>('checkpoints', id)).sort((a, b) => b.step - a.step);
    const args = ['generate', newest?.id ?? '', '--prompt', 'to be', '--tokens', '30', '--seed', '3'];
    const generated = await json<GeneratedBody>(...args);
    expect(generated.tokens).toBe(30);
    expect((await cli(args)).stdout).toBe(`${generated.text}\n`);
    const missing = await cli(['generate', 'ckpt_0000000000000000', '--prompt', 'x']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/ckpt_0000000000000000/);
  });

  it('is paused, resumed and cancelled', async () => {
    const { id } = await json<SubmittedBody>('submit', specFile('on-and-off', LONG));
    await cluster.untilStep(id, 2);
    expect((await json<SubmittedBody>('pause', id)).state).toBe('pausing');
    await cluster.untilRun(id, ['paused']);
    expect((await cli(['resume', id])).stdout).toMatch(new RegExp(`^${id} queued`));
    await cluster.untilRun(id, ['running']);
    expect((await cli(['cancel', id])).code).toBe(0);
    await cluster.untilRun(id, ['cancelled']);
    const again = await cli(['pause', id]);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/is cancelled, so it cannot/);
  });

  it('is followed while it logs, until it is cancelled', async () => {
    const { id } = await json<SubmittedBody>('submit', specFile('followed', LONG));
    let ended = false;
    const following = cli(['logs', '-f', id]).finally(() => (ended = true));
    await cluster.untilStep(id, 2);
    expect(ended).toBe(false);
    await cluster.client.actOnRun(id, 'cancel');
    expect((await following).code).toBe(0);
  });

  it('that fails is told by exit code 1 and its reason', async () => {
    // A rate at which weights overflow within a few steps.
    const train = {
      steps: 40,
      checkpointEvery: 0,
      evalEvery: 0,
      optimizer: { type: 'adamw', lr: 1e30 },
      lr: { schedule: 'constant' },
    } as const;
    const spec: RunSpecInput = { ...smallRun('diverges', { train }), retries: 0 };
    delete spec.train.clip;
    const result = await cli(['submit', '-', '--watch'], { input: JSON.stringify(spec) });
    expect(result.code, result.stderr).toBe(1);
    expect(result.stdout).toMatch(/diverges {2}failed/);
    expect(result.stdout).toMatch(/numerics/);
  });
});

describe('agents', () => {
  it('are listed, drained and let work again', async () => {
    const agents = await json<AgentBody[]>('agents');
    expect(agents).toHaveLength(2);
    const { stdout } = await cli(['agents']);
    expect(stdout).toMatch(/^ID +DEVICE +STATE +GFLOP\/S +MEMORY +ADAPTER +WORKS ON +SEEN$/m);
    for (const agent of agents) expect(stdout).toContain(agent.id);
    const id = agents[0]?.id ?? '';
    expect((await cli(['drain', id])).stdout).toBe(`${id} draining\n`);
    expect((await json<AgentBody>('undrain', id)).state).toBe('connected');
    expect((await cli(['drain', 'agent_0000000000000000'])).stderr).toMatch(/agent_0000000000000000/);
  });

  it('join from the command line, and leave at SIGTERM', async () => {
    const home = join(folder, 'third-agent');
    mkdirSync(home);
    const { grpc, token } = cluster.endpoint;
    let stop = (): void => undefined;
    const joined = cli(['agent', '--join', grpc, '--token', token, '--home', home], {
      environment: { MILLRACE_CPU_THREADS: '1' },
      started: (child) => (stop = () => void child.kill('SIGTERM')),
    });
    try {
      await waitUntil('three agents are connected', async () => {
        return (await json<AgentBody[]>('agents')).filter(({ state }) => state === 'connected').length === 3;
      });
    } finally {
      stop();
    }
    const { code, stdout } = await joined;
    expect(code).toBe(0);
    const { agentId } = JSON.parse(stdout) as { agentId: string };
    await waitUntil('it has left', async () => {
      const agent = (await json<AgentBody[]>('agents')).find(({ id }) => id === agentId);
      return agent === undefined || agent.state === 'disconnected';
    });
  });
});

describe('mistakes', () => {
  it('a wrong token', async () => {
    const { code, stdout, stderr } = await cli(['runs'], { environment: { MILLRACE_TOKEN: 'wrong' } });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/token is not known/);
  });

  it.each(['show', 'cancel', 'pause', 'resume', 'metrics', 'logs', 'checkpoints'])(
    'an unknown run for %s',
    async (name) => {
      const { code, stderr } = await cli([name, 'run_0000000000000000']);
      expect(code).toBe(1);
      expect(stderr).toBe('millrace: there is no run run_0000000000000000\n');
    },
  );

  it('a spec with several faults: each field is named', async () => {
    const spec = { ...smallRun('faulty'), colour: 'red' } as RunSpecInput & { colour: string };
    Object.assign(spec.model, { layers: 0 });
    Object.assign(spec.train, { precision: 'f64' });
    const path = file('faulty.yaml', stringify(spec));
    for (const command of ['submit', 'plan']) {
      const { code, stderr } = await cli([command, path]);
      expect(code).toBe(1);
      for (const field of ['colour', 'model.layers', 'train.precision']) expect(stderr).toContain(field);
    }
    const { stdout } = await cli(['submit', path, '--json']);
    const { error } = JSON.parse(stdout) as { error: { fields: { path: string }[] } };
    expect(error.fields.map((field) => field.path).sort()).toEqual(['/colour', '/model/layers', '/train/precision']);
  });

  it('a spec that cannot be read, or is no YAML', async () => {
    const { code, stderr } = await cli(['submit', join(folder, 'nowhere.yaml')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\.yaml cannot be read/);
    expect((await cli(['submit', file('broken.yaml', 'name: [')])).stderr).toMatch(/not YAML/);
  });
});
