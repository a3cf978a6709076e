import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LiveCluster, ROOT } from './live-cluster';
import { type CliResult, runCli } from './run-cli';

/** What another machine has of a cluster with TLS: a folder with its ca.pem and homes of agents, and no token. */
export class SecondMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-second-'));
  private readonly running = new Set<ChildProcess>();

  private constructor(
    private readonly cluster: LiveCluster,
    /** At which its agent is reached. */
    readonly dataPort: number,
  ) {
    copyFileSync(join(cluster.home, 'tls', 'ca.pem'), join(this.folder, 'ca.pem'));
  }

  static async besides(cluster: LiveCluster): Promise<SecondMachine> {
    return new SecondMachine(cluster, await freePort());
  }

  /** Arguments of a join command of the how-to page, for this cluster and a token. */
  argumentsOf(command: string, token = ''): string[] {
    const { grpc } = this.cluster.endpoint;
    const names = { 'FIRST:7071': grpc, 'SECOND:7171': `127.0.0.1:${this.dataPort}`, 'mlrjoin_...': token };
    return wordsOf(command, names).slice(1);
  }

  /** `millrace agent …` in a home without a credential, to its end. */
  runAgent(args: readonly string[]): Promise<CliResult> {
    return runCli(args, { cwd: this.folder, environment: this.environment('other') });
  }

  /** Starts an agent; resolves when it has told its id. */
  async startAgent(args: readonly string[]): Promise<{ child: ChildProcess; agentId: string }> {
    const child = spawn(process.execPath, [join(ROOT, 'bin', 'millrace.js'), ...args], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment('home'), MILLRACE_LABELS: 'machine=second' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
      child.once('exit', (code) => reject(new Error(`the agent exited with ${code}: ${output}`)));
    });
    return { child, agentId: (JSON.parse(line) as { agentId: string }).agentId };
  }

  async stopAgent(child: ChildProcess): Promise<void> {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exited;
  }

  async leave(): Promise<void> {
    await Promise.all([...this.running].map((child) => this.stopAgent(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private environment(home: string): Record<string, string | undefined> {
    return { MILLRACE_HOME: join(this.folder, home), MILLRACE_TOKEN: undefined, MILLRACE_CPU_THREADS: '1' };
  }
}

/** The words of a command with others in the place of some. */
export function wordsOf(command: string, others: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(others)
    .reduce((text, [from, to]) => text.replaceAll(from, to), command.trim())
    .split(' ');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
