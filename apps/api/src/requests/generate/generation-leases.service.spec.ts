import { silentLogger, sleep } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import type { ApiConfig } from '../../ground/config/api-config';
import { LeaseTerm } from '../../ledger/attempts/lease-term';
import type { LeasesRepository } from '../../ledger/runs/leases.repository';
import { GenerationLeasesService } from './generation-leases.service';

const CLAIM = { generationId: 'gen_1', agentIds: ['agent_a'] };
const LEASE_MS = 3000;

function leasesUnderTest(claim: () => Promise<string[]>) {
  const clock = new FakeClock();
  const config = { leaseMs: LEASE_MS } as ApiConfig;
  const calls: string[] = [];
  const rows = {
    claim: () => (calls.push('claim'), claim()),
    releaseGeneration: async () => void calls.push('release'),
  } as unknown as LeasesRepository;
  const pass = (ms: number): Promise<void> => clock.run(sleep(clock, ms), Infinity);
  const term = new LeaseTerm(config, clock, silentLogger);
  return { pass, calls, service: new GenerationLeasesService(rows, term, config, clock, silentLogger) };
}

describe('the leases of a generation', () => {
  it('are renewed in every third of their time, and released after the last renewal', async () => {
    let held: ((others: string[]) => void) | undefined;
    let isFirst = true;
    const { pass, calls, service } = leasesUnderTest(() => {
      if (isFirst) return ((isFirst = false), Promise.resolve([]));
      return new Promise((resolve) => (held = resolve));
    });
    let finish: () => void = () => undefined;
    const work = (): Promise<void> => new Promise((resolve) => (finish = resolve));
    const done = service.during(CLAIM, { work, onLost: () => undefined });
    await pass(LEASE_MS / 3 + 1);
    expect(calls).toEqual(['claim', 'claim']);
    finish();
    await pass(1);
    // It would take the device again after it was given back.
    expect(calls).toEqual(['claim', 'claim']);
    held?.([]);
    await done;
    await pass(LEASE_MS * 2);
    expect(calls).toEqual(['claim', 'claim', 'release']);
  });

  it('that another generation was given are told, and a database that is away is waited for', async () => {
    const answers = [async () => [], () => Promise.reject(new Error('gone')), async () => ['agent_a']];
    const { pass, service } = leasesUnderTest(() => answers.shift()!());
    const lost: string[] = [];
    const work = (): Promise<void> => new Promise(() => undefined);
    void service.during(CLAIM, { work, onLost: (id) => lost.push(id) });
    await pass(LEASE_MS / 3 + 1);
    expect(lost).toEqual([]);
    await pass(LEASE_MS / 3 + 1);
    expect(lost).toEqual(['agent_a']);
  });

  it('that others keep are given up after a minute', async () => {
    const { pass, calls, service } = leasesUnderTest(async () => ['agent_a']);
    const refused = service
      .during(CLAIM, { work: async () => 'text', onLost: () => undefined })
      .catch((error) => error);
    await pass(61_000);
    expect(await refused).toMatchObject({ code: 'GENERATE.DEVICES_TAKEN', kind: 'unavailable' });
    expect(calls.at(-1)).toBe('release');
  });
});
