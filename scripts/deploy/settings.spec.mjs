import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readAgentConfig } from '../../apps/agent/src/config/agent-config';
import { ApiConfig } from '../../apps/api/src/ground/config/api-config';
import { readCliConfig } from '../../apps/cli/src/config/cli-config';
import { ROOT } from '../process/stamp.mjs';
import { renderChart } from './helm-template.mjs';

/** Every setting in deploy/ is one that the program in question reads, with a value that it takes. */
const DEPLOY = join(ROOT, 'deploy');
const read = (path) => readFileSync(join(DEPLOY, path), 'utf8');
const FILES = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1));

/** Names in the schema of a program's environment. */
function namesIn(...paths) {
  const text = paths.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
  return new Set([...text.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name));
}
const PROGRAMS = {
  api: {
    // The image's entry point reads the admin token, and hands it on as a file.
    names: new Set([...namesIn('apps/api/src/ground/config/api-config.ts'), 'MILLRACE_ADMIN_TOKEN']),
    parse: (environment) => ApiConfig.fromEnvironment(environment),
  },
  agent: { names: namesIn('apps/agent/src/config/agent-config.ts'), parse: readAgentConfig },
  cli: { names: namesIn('apps/cli/src/config/cli-config.ts'), parse: readCliConfig },
};
/** Inputs of compose and of the batch script themselves. */
const OWN = new Set([
  'MILLRACE_DATABASE_PASSWORD',
  'MILLRACE_PUBLISH',
  'MILLRACE_ADMIN_TOKEN',
  'MILLRACE_PROGRAM',
  'MILLRACE_FIRST_PORT',
]);
/** Read by Node, the C library, NVIDIA's container runtime, or by the file itself for other values. */
const FOREIGN = new Set([
  'NODE_ENV',
  'MALLOC_ARENA_MAX',
  'NVIDIA_VISIBLE_DEVICES',
  'NVIDIA_DRIVER_CAPABILITIES',
  'POD_IP',
  'NODE_NAME',
]);

/** Fails unless `program` reads every variable and takes the values. @returns its settings */
function expectTaken(program, environment) {
  const { names, parse: take } = PROGRAMS[program];
  const unknown = Object.keys(environment).filter((name) => !names.has(name) && !FOREIGN.has(name));
  expect({ program, unknown }).toEqual({ program, unknown: [] });
  const settings = take(environment);
  // An agent is given nothing that could do more than enrol agents.
  if (program === 'agent') expect(JSON.stringify(environment)).not.toMatch(/ADMIN|admin/);
  return settings;
}

/** ENV of an image. */
function imageEnvironment(name) {
  const text = read(`docker/${name}.Dockerfile`).replaceAll('\\\n', ' ');
  const pairs = [...text.matchAll(/^ENV (.+)$/gm)].flatMap(([, rest]) => rest.trim().split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s)));
}

/** NAME=value lines, those commented out too. */
const linesOf = (text) =>
  Object.fromEntries([...text.matchAll(/^(?:# )?([A-Z][A-Z_]+)=(.*)$/gm)].map(([, a, b]) => [a, b]));

it('names no variable that nothing reads', () => {
  const known = new Set([...Object.values(PROGRAMS).flatMap(({ names }) => [...names]), ...OWN]);
  expect(known.size).toBeGreaterThan(25);
  for (const file of FILES) {
    const named = new Set(read(file).match(/\b(MILLRACE|OTEL)_[A-Z_]*[A-Z]\b/g));
    expect({ file, unknown: [...named].filter((name) => !known.has(name)) }).toEqual({ file, unknown: [] });
  }
});

it('names no command or option that the command line does not have', () => {
  const folder = join(ROOT, 'apps/cli/src/commands');
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));
  const sources = files.map((name) => readFileSync(join(folder, name), 'utf8'));
  const commands = new Map();
  for (const source of sources) {
    for (const part of source.split(/\bcommand\(\s*(?=')/).slice(1)) {
      const name = /^'([a-z-]+)/.exec(part)?.[1];
      const options = [...part.matchAll(/[oO]ption\(\s*'(?:-\w, )?(--[a-z-]+)/g)].map(([, option]) => option);
      commands.set(name, new Set([...options, '--json']));
    }
  }
  const pages = FILES.filter((file) => file.endsWith('.md'));
  const others = [
    ['docs/how-to', 'two-machines.md'],
    ['.', 'README.md'],
  ];
  const used = [...pages.map((file) => ['deploy', file]), ...others].flatMap(([base, file]) =>
    [
      ...readFileSync(join(ROOT, base, file), 'utf8').matchAll(
        /(^|.)(?<!--namespace )millrace(?:\.js)? ([a-z][a-z-]*)((?: [^\s`|#')]+)*)/gm,
      ),
    ]
      .filter(([, before, name, rest]) => rest.includes(' --') && (commands.has(name) || before !== ' '))
      .map(([, , name, rest]) => {
        // `datasets create --example` is an option of the command inside the group.
        const [inner = ''] = rest.trim().split(' ');
        const own = commands.has(inner) ? inner : name;
        return { file, name: own, options: rest.match(/(?<= )--[a-z-]+/g) };
      }),
  );
  expect(used.length).toBeGreaterThan(5);
  for (const { file, name, options } of used) {
    for (const option of options) expect([...(commands.get(name) ?? [])], `${file}: ${name}`).toContain(option);
  }
});

describe('compose', () => {
  const { services } = parse(read('compose/compose.yaml'), { merge: true });
  const environmentOf = (name) =>
    JSON.parse(JSON.stringify(services[name].environment).replaceAll(/\$\{[A-Z_]+(:[^}]*)?\}/g, 'given'));

  it('gives each program what it reads', () => {
    expect(expectTaken('api', { ...imageEnvironment('api'), ...environmentOf('api') }).tls.made).toBe(false);
    expect(expectTaken('cli', environmentOf('join')).endpoint).toBe('https://api:7070');
    for (const name of ['agent-1', 'agent-2']) {
      const agent = expectTaken('agent', { ...imageEnvironment('agent'), ...environmentOf(name) });
      expect(agent).toMatchObject({ token: undefined, tokenFile: '/join/token', dataPort: 7171 });
    }
  });

  it('has a token made for as many agents as it has, where they look for it', () => {
    const { entrypoint, volumes } = services.join;
    const agents = Object.keys(services).filter((name) => name.startsWith('agent-'));
    expect(entrypoint[entrypoint.indexOf('--uses') + 1]).toBe(String(agents.length));
    expect(entrypoint[entrypoint.indexOf('--file') + 1]).toBe('/join/token');
    expect(volumes).toContain('join:/join');
    for (const name of agents) {
      expect(services[name].volumes).toContain('join:/join:ro');
      expect(services[name].depends_on.join.condition).toBe('service_completed_successfully');
    }
  });
});

describe('the chart', () => {
  const objects = [...renderChart(join(DEPLOY, 'helm/millrace'), { existingSecret: 'millrace' }).values()]
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS()))
    .filter((object) => object !== null);
  const podOf = (wanted) => objects.find(({ kind }) => kind === wanted).spec.template.spec;
  const environmentOf = ([{ env }]) =>
    Object.fromEntries(env.map(({ name, value }) => [name, (value ?? 'given').replace('$(POD_IP)', '192.0.2.1')]));

  it('gives each program what it reads', () => {
    const api = podOf('Deployment').containers;
    expect(expectTaken('api', { ...imageEnvironment('api'), ...environmentOf(api) }).host).toBe('0.0.0.0');
    const agent = podOf('DaemonSet').containers;
    expect(expectTaken('agent', { ...imageEnvironment('agent'), ...environmentOf(agent) })).toMatchObject({
      token: undefined,
      tokenFile: '/etc/millrace/join/token',
      advertise: '192.0.2.1',
      dataPort: 7171,
    });
    expect(JSON.stringify(agent)).not.toContain('MILLRACE_ADMIN_TOKEN');
  });

  it('mounts the join token where agents look for it, and lets a pod go on without it', () => {
    const { containers, volumes } = podOf('DaemonSet');
    expect(containers[0].volumeMounts).toContainEqual({
      name: 'join',
      mountPath: '/etc/millrace/join',
      readOnly: true,
    });
    expect(volumes.find(({ name }) => name === 'join').secret).toEqual({
      secretName: 'millrace-join',
      optional: true,
      items: [{ key: 'token', path: 'token' }],
    });
  });
});

describe('systemd', () => {
  const unitEnvironment = (name) =>
    Object.fromEntries(
      [...read(`systemd/${name}`).matchAll(/^Environment=(.+)$/gm)]
        .flatMap(([, rest]) => rest.replaceAll('%i', '0').split(' '))
        .map((pair) => pair.split(/=(.*)/s)),
    );

  it('gives each program what it reads', () => {
    const api = { ...linesOf(read('systemd/api.env.example')), ...unitEnvironment('millrace-api.service') };
    expectTaken('api', api);
    const standard = { ...api, MILLRACE_TLS_CERT: undefined, MILLRACE_TLS_KEY: undefined };
    expect(expectTaken('api', standard).tls.made).toBe(true);
    const agent = { ...linesOf(read('systemd/agent.env.example')), ...unitEnvironment('millrace-agent@.service') };
    expect(expectTaken('agent', agent)).toMatchObject({
      home: '/var/lib/millrace/agent-0',
      device: '0',
      dataPort: 7171,
    });
  });
});

describe('Slurm', () => {
  it('starts agents with what they read, and no token of the one who submits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-slurm-'));
    // What stands in for a node: srun runs the task here, and the program says what it was given.
    const program = join(folder, 'dist/apps/agent/src');
    mkdirSync(program, { recursive: true });
    writeFileSync(join(program, 'main.js'), 'console.log(JSON.stringify(process.env))');
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/srun'), '#!/bin/bash\nshift\nexec "$@"\n');
    chmodSync(join(folder, 'bin/srun'), 0o755);
    const { PATH } = process.env;
    const given = {
      MILLRACE_JOIN: 'api.example:7071',
      MILLRACE_TOKEN_FILE: join(folder, 'join'),
      MILLRACE_TOKEN: 'of an admin',
      MILLRACE_TLS_CA: 'ca.pem',
      MILLRACE_PROGRAM: folder,
    };
    const slurm = { SLURM_JOB_ID: '7', SLURM_PROCID: '3', SLURM_LOCALID: '1', SLURM_TMPDIR: folder };
    const { stdout, stderr, status } = spawnSync('bash', [join(DEPLOY, 'slurm/millrace-agents.sbatch')], {
      env: { PATH: `${join(folder, 'bin')}:${PATH}`, ...given, ...slurm },
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const environment = Object.fromEntries(
      Object.entries(JSON.parse(stdout)).filter(([name]) => name.startsWith('MILLRACE_') && !OWN.has(name)),
    );
    expect(expectTaken('agent', environment)).toMatchObject({
      token: undefined,
      tokenFile: given.MILLRACE_TOKEN_FILE,
      device: '1',
      dataPort: 7172,
      labels: { 'slurm-job': '7', partition: 'none' },
    });
  });
});
