import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../process/stamp.mjs';
import { softwareDriverEnv } from '../setup.mjs';

const AGENTS = 2;
const RUN_MS_MAX = 240_000;
/** A bucket of the API's histograms. */
export const STALL_SECONDS = 0.25;

/** A cluster of its own that trains while it is disturbed, and what its processes say of themselves. */
export class FuzzCluster {
  static async start(agents = AGENTS) {
    const home = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
    const ports = ['--http-port', '0', '--grpc-port', '0'];
    const args = [join(ROOT, 'bin/millrace.js'), 'up', '--agents', String(agents), '--home', home, ...ports, '--json'];
    const env = { ...process.env, ...softwareDriverEnv(), MILLRACE_CPU_THREADS: '1' };
    const up = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const cluster = new FuzzCluster(home, up, agents);
    await new Promise((resolve, reject) => {
      let out = '';
      up.stdout.on('data', (chunk) => {
        out += chunk;
        if (out.includes('endpointFile') && out.trimEnd().endsWith('}')) resolve();
      });
      up.once('exit', (code) => reject(new Error(`millrace up ended with ${code}: ${cluster.said}`)));
    });
    cluster.endpoint = JSON.parse(readFileSync(join(home, 'endpoint.json'), 'utf8'));
    return cluster;
  }

  said = '';

  constructor(home, up, agents) {
    this.agents = agents;
    this.home = home;
    this.up = up;
    up.stderr.on('data', (chunk) => (this.said += chunk));
  }

  async call(path, options = {}) {
    const headers = { authorization: `Bearer ${this.endpoint.token}`, ...options.headers };
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(`${this.endpoint.http}/api/v1${path}`, { ...options, headers });
      // The fuzz uses the same token, and so the same budget.
      if (response.status === 429 && attempt < 100) await new Promise((resolve) => setTimeout(resolve, 100));
      else if (response.ok) return response.json();
      else throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    }
  }

  async createDataset() {
    const tokens = Uint16Array.from({ length: 4000 }, (_, index) => (index * index * 7 + index) % 97);
    const headers = { 'content-type': 'application/x-tokens-u16' };
    await this.call('/datasets?name=small', { method: 'POST', headers, body: Buffer.from(tokens.buffer) });
  }

  /** Trains a small model over both agents. @returns its losses, as text @throws where it did not succeed at once */
  async train(name) {
    const spec = {
      name,
      model: { family: 'gpt2', layers: 4, heads: 3, hidden: 60, context: 21 },
      data: { dataset: 'small' },
      train: { steps: 12, batch: { global: 10, micro: 2 }, optimizer: { type: 'adamw', lr: 0.001 }, seed: 7 },
      parallel: { pp: 2, partition: [2, 2] },
    };
    const headers = { 'content-type': 'application/json' };
    const { id } = await this.call('/runs', { method: 'POST', headers, body: JSON.stringify(spec) });
    const until = Date.now() + RUN_MS_MAX;
    for (;;) {
      const run = await this.call(`/runs/${id}`);
      if (run.state === 'succeeded' && run.attempts.length === 1) break;
      if (run.attempts.length > 1 || run.state === 'failed' || Date.now() > until)
        throw new Error(`${id} is ${run.state}: ${JSON.stringify(run.reason)} ${JSON.stringify(run.attempts)}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const { points } = await this.call(`/runs/${id}/metrics?name=train/loss&limit=1000`);
    return JSON.stringify(points.map(({ step, value }) => [step, value]));
  }

  async dataPorts() {
    const { items } = await this.call('/agents');
    return items.map(({ dataAddress }) => {
      const [host, port] = dataAddress.split(/:(?=\d+$)/);
      return { host, port: Number(port) };
    });
  }

  /** @returns the processes that ended by themselves, each with what `up` said of it */
  endings() {
    return this.said.split(/(?=^.*; starting it again)/m).filter((part) => part.includes('; starting it again'));
  }

  /**
   * What the API says of itself, since it started. A stall counts as far as the API's own thread was on a processor:
   * that a busy machine lets everybody wait is not the API's fault.
   */
  async measure() {
    const headers = { authorization: `Bearer ${this.endpoint.token}` };
    const text = await (await fetch(`${this.endpoint.http}/metrics`, { headers })).text();
    const value = (name) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length),
      );
    const above = (name) => value(`${name}_count`) - value(`${name}_bucket{le="${STALL_SECONDS}"}`);
    return {
      ownStalls: above('millrace_event_loop_own_delay_seconds'),
      stalls: above('millrace_event_loop_delay_seconds'),
      residentMib: value('process_resident_memory_bytes') / 2 ** 20,
    };
  }

  logTail() {
    return readFileSync(join(this.home, 'logs', 'api.log'), 'utf8')
      .split('\n')
      .slice(-20)
      .join('\n');
  }

  async stop() {
    const ended = new Promise((resolve) => this.up.once('exit', resolve));
    if (this.up.exitCode === null) {
      this.up.kill('SIGTERM');
      await ended;
    }
    // As root the database lies outside the home.
    const inHome = join(this.home, 'postgres');
    const database = existsSync(inHome) ? realpathSync(inHome) : inHome;
    for (const path of [database, `${database}.of`, this.home]) rmSync(path, { recursive: true, force: true });
  }
}
