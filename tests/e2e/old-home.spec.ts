import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresUser } from '../../apps/cli/src/up/postgres-home';
import { LiveCluster } from './support/live-cluster';

/**
 * A home that an earlier build wrote, kept as an archive (homes/README.md says how it was made): a run that had
 * succeeded, one that was paused, and one that was training when the cluster was stopped; all three of one spec but for
 * their split.
 */
const BUILD = '208e957';

interface Written {
  readonly runs: { readonly whole: string; readonly paused: string; readonly interrupted: string };
  /** SHA-256 of the model of the run that succeeded, and its losses. */
  readonly hash: string;
  readonly losses: readonly number[];
}

const FOLDER = join(__dirname, 'homes');
const written = JSON.parse(readFileSync(join(FOLDER, `home-${BUILD}.json`), 'utf8')) as Written;
const { whole, paused, interrupted } = written.runs;
/** Another driver, or a kernel that adds in another order since, moves a loss by this much at most. */
const LOSS_DIFFERENCE_MAX = 1e-3;

let cluster: LiveCluster;

beforeAll(async () => {
  const home = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  const archive = brotliDecompressSync(readFileSync(join(FOLDER, `home-${BUILD}.tar.br`)));
  execFileSync('tar', ['-x', '-C', home], { input: archive });
  const user = postgresUser();
  if (user !== undefined) {
    // PostgreSQL runs as another user then, who has to get into the home.
    chmodSync(home, 0o755);
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, join(home, 'postgres')]);
  }
  cluster = await LiveCluster.start({ agents: 2 }, home);
});

afterAll(async () => {
  await cluster?.stop();
});

it('keeps what an earlier build had finished, byte for byte', async () => {
  expect((await cluster.client.run(whole)).state).toBe('succeeded');
  expect((await cluster.metric(whole, 'train/loss')).map(({ value }) => value)).toEqual(written.losses);
  expect(await cluster.modelHash(whole)).toBe(written.hash);
});

it('goes on with what an earlier build had begun, to its losses but for how this build rounds', async () => {
  await cluster.untilRun(interrupted, ['succeeded']);
  await cluster.client.actOnRun(paused, 'resume');
  await cluster.untilRun(paused, ['succeeded']);

  // The earlier build did more steps of one than of the other, and its attention rounded otherwise.
  for (const id of [interrupted, paused]) {
    const { losses } = await cluster.outcome(id);
    expect(losses).toHaveLength(written.losses.length);
    losses.forEach((loss, index) => {
      const difference = Math.abs(loss - (written.losses[index] ?? NaN));
      expect(difference, `loss of step ${index + 1} of ${id}`).toBeLessThan(LOSS_DIFFERENCE_MAX);
    });
  }
});
