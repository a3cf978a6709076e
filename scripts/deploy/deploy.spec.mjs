import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ROOT } from '../process/stamp.mjs';
import { dockerfileFaults } from './dockerfile-rules.mjs';
import { renderChart } from './helm-template.mjs';

const DEPLOY = join(ROOT, 'deploy');
const CHART = join(DEPLOY, 'helm/millrace');
const read = (path) => readFileSync(join(DEPLOY, path), 'utf8');
const installed = (command, flag = '--version') => spawnSync(command, [flag]).error === undefined;
const FILES = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1));

describe('deploy/', () => {
  it('has a README of one screen in each folder', () => {
    for (const folder of ['.', 'docker', 'compose', 'helm/millrace', 'systemd', 'slurm', 'grafana']) {
      const lines = read(join(folder, 'README.md')).trimEnd().split('\n');
      expect(lines.length, folder).toBeLessThanOrEqual(50);
      for (const [, link] of lines.join('\n').matchAll(/\]\(([^)#]+)\)/g)) {
        expect(existsSync(join(DEPLOY, folder, link)), `${folder}: ${link}`).toBe(true);
      }
    }
  });
});

describe('images', () => {
  it.each(['api', 'agent'])('%s keeps the rules, and copies what is there', (name) => {
    const text = read(`docker/${name}.Dockerfile`);
    expect(dockerfileFaults(text)).toEqual([]);
    for (const [, sources] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of sources.split(' ')) expect(existsSync(join(ROOT, source)), source).toBe(true);
    }
  });

  it('are checked by rules that find faults', () => {
    const bad = 'FROM node:latest\nRUN apt-get install curl\nADD . /x\nUSER root\nCMD node x';
    expect(dockerfileFaults(bad).length).toBeGreaterThan(6);
  });

  it('make a certificate that an agent can check, once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'));
    const make = () =>
      spawnSync('sh', [join(DEPLOY, 'docker/make-certificates.sh'), folder, 'api', 'localhost'], { encoding: 'utf8' });
    const { status, stderr } = make();
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const pem = readFileSync(join(folder, 'private/cert.pem'));
    const certificate = new X509Certificate(pem);
    expect(certificate.checkHost('api')).toBe('api');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.verify(new X509Certificate(readFileSync(join(folder, 'public/ca.pem'))).publicKey)).toBe(true);
    expect(statSync(join(folder, 'private/key.pem')).mode & 0o777).toBe(0o600);
    make();
    expect(readFileSync(join(folder, 'private/cert.pem'))).toEqual(pem);
    rmSync(folder, { recursive: true });
  });

  it('have scripts without a fault', ({ skip }) => {
    if (!installed('shellcheck')) skip('shellcheck is not installed');
    const scripts = FILES.filter((file) => /\.(sh|sbatch)$/.test(file)).map((file) => join(DEPLOY, file));
    const { status, stdout } = spawnSync('shellcheck', scripts, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('have scripts that a shell can read', () => {
    for (const file of FILES.filter((each) => /\.(sh|sbatch)$/.test(each))) {
      const shell = file.endsWith('.sh') ? 'sh' : 'bash';
      expect(spawnSync(shell, ['-n', join(DEPLOY, file)], { encoding: 'utf8' }).stderr, file).toBe('');
    }
  });
});

describe('compose', () => {
  const { services, volumes } = parse(read('compose/compose.yaml'), { merge: true });

  it('has Postgres, the API and two agents, with what each refers to', () => {
    expect(Object.keys(services).sort()).toEqual(['agent-1', 'agent-2', 'api', 'certificates', 'join', 'postgres']);
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) expect(Object.keys(volumes), name).toContain(volume.split(':')[0]);
      for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(services), name).toContain(other);
      if (service.build)
        expect(existsSync(join(DEPLOY, 'compose', service.build.context, service.build.dockerfile)), name).toBe(true);
    }
    for (const name of ['agent-1', 'agent-2']) {
      expect(services[name].environment.MILLRACE_ADVERTISE).toBe(`${name}:7171`);
      expect(services[name].hostname).toBe(name);
      expect(services[name].environment.MILLRACE_JOIN).toBe('api:7071');
    }
  });

  it('has every variable of its own in .env.example', () => {
    const example = read('compose/.env.example');
    for (const [, name] of read('compose/compose.yaml').matchAll(/\$\{([A-Z_]+)/g)) expect(example).toContain(name);
  });
});

describe('the chart', () => {
  const secret = { existingSecret: 'millrace' };
  const render = (overrides) =>
    [...renderChart(CHART, { ...secret, ...overrides }).values()]
      .flatMap((text) =>
        parseAllDocuments(text).map((document) => {
          expect(document.errors).toEqual([]);
          return document.toJS();
        }),
      )
      .filter((object) => object !== null);
  const kinds = (objects) => objects.map(({ kind }) => kind).sort();
  const standard = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));

  it('renders what it should', () => {
    expect(kinds(render())).toEqual(['DaemonSet', 'Deployment', 'PersistentVolumeClaim', 'Secret', 'Service']);
    expect(kinds(render({ agents: { ...standard.agents, enabled: false }, tls: { existingSecret: 'mine' } }))).toEqual([
      'Deployment',
      'PersistentVolumeClaim',
      'Service',
    ]);
    const monitored = render({ serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'prometheus' } } });
    expect(monitored.find(({ kind }) => kind === 'ServiceMonitor')).toMatchObject({
      metadata: { labels: { release: 'prometheus' } },
      spec: { endpoints: [{ port: 'https', interval: '30s' }] },
    });
  });

  it('has pods that are consistent and have no rights', () => {
    const objects = render();
    for (const { kind, metadata, spec } of objects.filter(({ spec }) => spec?.template)) {
      const { labels } = spec.template.metadata;
      expect(labels, kind).toMatchObject(spec.selector.matchLabels);
      const pod = spec.template.spec;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 });
      expect(pod.automountServiceAccountToken).toBe(false);
      const [container] = pod.containers;
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
      });
      const ports = container.ports.map(({ name }) => name);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']
        .map((name) => container[name])
        .filter(Boolean))
        expect(ports).toContain((probe.httpGet ?? probe.tcpSocket).port);
      expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(pod.volumes.map(({ name }) => name).sort());
      expect(metadata.name).toMatch(/^test-millrace-/);
    }
    const service = objects.find(({ kind }) => kind === 'Service');
    const api = objects.find(({ kind }) => kind === 'Deployment');
    expect(api.spec.template.metadata.labels).toMatchObject(service.spec.selector);
    const agent = objects.find(({ kind }) => kind === 'DaemonSet').spec.template.spec.containers[0];
    expect(agent.env).toContainEqual({ name: 'MILLRACE_JOIN', value: 'test-millrace-api.training.svc:7071' });
    const certificate = Buffer.from(objects.find(({ kind }) => kind === 'Secret').data['tls.crt'], 'base64').toString();
    expect(certificate).toContain('test-millrace-api.training.svc ');
  });

  it('refuses replicas that could not share their blocks, and an install without its secret', () => {
    const api = { ...standard.api, replicas: 2 };
    expect(() => render({ api })).toThrow(/ReadWriteMany/);
    const shared = render({ api, storage: { ...standard.storage, accessMode: 'ReadWriteMany' } });
    expect(shared.find(({ kind }) => kind === 'Deployment').spec).toMatchObject({ replicas: 2 });
    expect(() => render({ existingSecret: '' })).toThrow(/existingSecret/);
  });

  it('has values that pass their schema, which refuses others', () => {
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')));
    expect(schema.safeParse(standard).error).toBeUndefined();
    expect(schema.safeParse({ ...standard, replicas: 3 }).success).toBe(false);
    expect(schema.safeParse({ ...standard, api: { ...standard.api, replicas: 0 } }).success).toBe(false);
  });
});

describe('systemd units', () => {
  const units = ['millrace-api.service', 'millrace-agent@.service'];

  it.each(units)('%s starts a program that is built, without rights', (name) => {
    const text = read(`systemd/${name}`);
    const [, program] = /^ExecStart=\/usr\/bin\/node \/opt\/millrace\/dist\/(.+)\.js$/m.exec(text);
    expect(existsSync(join(ROOT, `${program}.ts`))).toBe(true);
    for (const line of ['NoNewPrivileges=true', 'ProtectSystem=strict', 'User=millrace', 'Restart=always'])
      expect(text).toContain(`\n${line}\n`);
    for (const [, file] of text.matchAll(/^EnvironmentFile=\/etc\/millrace\/(\w+)\.env$/gm)) {
      expect(existsSync(join(DEPLOY, `systemd/${file}.env.example`))).toBe(true);
    }
  });

  it('pass systemd-analyze verify', ({ skip }) => {
    if (!installed('systemd-analyze')) skip('systemd is not installed');
    const paths = units.map((name) => join(DEPLOY, 'systemd', name));
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
    // Of the machine and not of the unit: where node is, and that another one's unit is wrong.
    expect(
      stderr.split('\n').filter((line) => line.includes('millrace') && !line.includes('is not executable')),
    ).toEqual([]);
  });
});

describe('Grafana and Prometheus', () => {
  const described = new Map(
    [...readFileSync(join(ROOT, 'docs/prometheus.md'), 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \|/gm)].map(
      ([, name, type, labels]) => [name, { type, labels: new Set(labels.match(/\w+/g)) }],
    ),
  );
  const dashboard = JSON.parse(read('grafana/dashboard.json'));
  const { groups } = parse(read('grafana/alerts.yaml'));
  const rules = groups.flatMap((group) => group.rules);
  const expressions = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...rules.map(({ expr }) => expr),
  ];
  /** Of Prometheus itself, and labels that it adds. */
  const FOREIGN = new Set(['up']);
  const ADDED = new Set(['instance', 'job', 'le']);

  it.each(expressions)('%s names metrics and labels that /metrics has', (expression) => {
    const selectors = [...expression.matchAll(/\b((?:millrace|nodejs|process)_\w+|up)\b(?:\{([^}]*)\})?/g)];
    expect(selectors.length).toBeGreaterThan(0);
    const labels = new Set(ADDED);
    for (const [, name] of selectors) {
      const base = name.replace(/_(bucket|count|sum)$/, '');
      const found =
        described.get(name) ?? (described.get(base)?.type === 'histogram' ? described.get(base) : undefined);
      if (!FOREIGN.has(name)) expect(found, name).toBeDefined();
      for (const label of found?.labels ?? []) labels.add(label);
    }
    const used = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list.split(/,\s*/));
    const selected = selectors.flatMap(([, , inner = '']) =>
      [...inner.matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label]) => label),
    );
    for (const label of [...used, ...selected]) expect([...labels], label).toContain(label);
  });

  it('has panels with ids of their own that do not overlap', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  it('has alerts with a severity and a sentence', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity);
      expect(annotations.summary.length, alert).toBeGreaterThan(10);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('passes promtool check rules', ({ skip }) => {
    if (!installed('promtool')) skip('no promtool: it is in Debian’s package prometheus');
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', join(DEPLOY, 'grafana/alerts.yaml')], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
