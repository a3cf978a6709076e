import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeviceObstacles } from './device-obstacles';
import type { InventoryAgent } from './inventory-agent';
import { type PlacementPlan, planPlacement, type PlacementPolicy } from './plan-placement';
import type { QueuedRun } from './queued-run';

const GIB = 2 ** 30;
const NOW = 1_000_000;

function agent(host: string, device: number, changes: Partial<InventoryAgent> = {}): InventoryAgent {
  return {
    id: `agent_${host}${device}`,
    host,
    device,
    memoryBytes: 8 * GIB,
    matmulGflops: 10,
    connected: true,
    draining: false,
    setAside: null,
    labels: {},
    features: ['shader-f16'],
    leasedBy: null,
    leaseExpiresAt: null,
    ...changes,
  };
}

function run(id: string, ranks: number, changes: Partial<QueuedRun> = {}): QueuedRun {
  const free = { include: [], exclude: [], labels: {}, needs: [], minMemoryBytes: 0 };
  return { id, ranks, priority: 50, submittedAt: 0, ...free, ...changes };
}

const leased = (by: string): Partial<InventoryAgent> => ({ leasedBy: by, leaseExpiresAt: NOW + 1000 });

function plan(inventory: InventoryAgent[], queue: QueuedRun[], policy: PlacementPolicy = {}): PlacementPlan {
  return planPlacement({ policy, inventory, queue, now: NOW });
}

/** `{ run: [agents] }` of what was placed, and the code of what was not. */
function outcome({ placements, pending }: PlacementPlan): Record<string, readonly string[] | string> {
  return Object.fromEntries([
    ...placements.map(({ runId, agentIds }) => [runId, agentIds]),
    ...pending.map(({ runId, reason }) => [runId, reason.code]),
  ]);
}

describe('planPlacement', () => {
  it('gives the first free devices by host and device, whatever the order they come in', () => {
    const inventory = [agent('b', 0), agent('a', 10), agent('a', 2), agent('a', 0, leased('other'))];
    expect(outcome(plan(inventory, [run('r', 2)]))).toEqual({ r: ['agent_a2', 'agent_a10'] });
  });

  it('tells which devices stay idle that a run which waits could have', () => {
    const inventory = [agent('a', 0), agent('a', 1), agent('b', 0), agent('b', 1, { draining: true })];
    const queue = [run('one', 1), run('many', 5, { exclude: ['a:1'] })];
    expect(plan(inventory, queue).pending).toMatchObject([{ runId: 'many', idle: ['agent_b0'] }]);
  });

  it('goes by priority, then age, then id', () => {
    const queue = [run('d', 1), run('c', 1), run('b', 1, { submittedAt: -5 }), run('a', 1, { priority: 90 })];
    const { placements, pending } = plan([agent('h', 0), agent('h', 1), agent('h', 2)], queue);
    expect(placements.map(({ runId }) => runId)).toEqual(['a', 'b', 'c']);
    expect(pending).toMatchObject([{ runId: 'd', reason: { code: 'BEHIND_OTHER_RUN' } }]);
  });

  it('lets a smaller run go past one that waits only if the policy allows it', () => {
    const inventory = [agent('h', 0), agent('h', 1, leased('busy'))];
    const queue = [run('big', 2, { priority: 60 }), run('small', 1)];
    expect(outcome(plan(inventory, queue))).toEqual({ small: ['agent_h0'], big: 'WAITING_FOR_DEVICES' });
    const strict = plan(inventory, queue, { backfill: false });
    expect(outcome(strict)).toEqual({ big: 'WAITING_FOR_DEVICES', small: 'BEHIND_OTHER_RUN' });
    expect(strict.pending[1]?.reason.sentence).toBe(
      'the run needs 1 device and enough are free, but run big comes first',
    );
  });

  it('never lets a run that cannot be placed at all hold others back', () => {
    const queue = [run('huge', 9, { priority: 99 }), run('small', 1)];
    const outcomes = outcome(plan([agent('h', 0)], queue, { backfill: false }));
    expect(outcomes).toEqual({ huge: 'NOT_ENOUGH_DEVICES', small: ['agent_h0'] });
  });

  it('honours include, exclude, labels and memory', () => {
    const inventory = [agent('a', 0), agent('a', 1), agent('b', 0, { labels: { gpu: 'h100' }, memoryBytes: 80 * GIB })];
    const place = (changes: Partial<QueuedRun>): unknown => outcome(plan(inventory, [run('r', 1, changes)])).r;
    expect(place({ include: ['b'] })).toEqual(['agent_b0']);
    expect(place({ include: ['a:1'] })).toEqual(['agent_a1']);
    expect(place({ exclude: ['a'] })).toEqual(['agent_b0']);
    expect(place({ exclude: ['a:0'] })).toEqual(['agent_a1']);
    expect(place({ labels: { gpu: 'h100' } })).toEqual(['agent_b0']);
    expect(place({ minMemoryBytes: 16 * GIB })).toEqual(['agent_b0']);
    expect(place({ labels: { constructor: 'x' } })).toBe('CONSTRAINTS_UNSATISFIABLE');
  });

  it('gives devices that offer what the run needs, and says what else needs it', () => {
    const needs = [{ feature: 'shader-f16', by: 'train.precision f16' }];
    const without = agent('a', 0, { features: ['subgroups'] });
    expect(outcome(plan([without, agent('b', 0)], [run('r', 1, { needs })]))).toEqual({ r: ['agent_b0'] });
    const { pending, placements } = plan([without], [run('r', 1, { needs }), run('s', 1)]);
    expect(placements).toEqual([{ runId: 's', agentIds: ['agent_a0'] }]);
    expect(pending[0]?.reason).toMatchObject({
      code: 'CONSTRAINTS_UNSATISFIABLE',
      sentence: expect.stringContaining('a:0: its adapter has no shader-f16, which train.precision f16 needs'),
    });
  });

  it('gives each stage a device that holds it', () => {
    const inventory = [agent('a', 0, { memoryBytes: 8 * GIB }), agent('b', 0, { memoryBytes: 2 * GIB })];
    const small = { requiredBytesPerStage: [GIB, 4 * GIB] };
    expect(outcome(plan(inventory, [run('r', 2, small)]))).toEqual({ r: ['agent_b0', 'agent_a0'] });
    const large = plan(inventory, [run('r', 2, { requiredBytesPerStage: [4 * GIB, 4 * GIB] })]);
    expect(outcome(large)).toEqual({ r: 'CONSTRAINTS_UNSATISFIABLE' });
    // What driver and staging take is not planned into.
    const full = plan([agent('a', 0, { memoryBytes: 4 * GIB })], [run('r', 1, { requiredBytesPerStage: [3.9 * GIB] })]);
    expect(outcome(full)).toEqual({ r: 'CONSTRAINTS_UNSATISFIABLE' });
    const unknown = [agent('a', 0, { memoryBytes: null })];
    expect(outcome(plan(unknown, [run('r', 1, { requiredBytesPerStage: [GIB] })]))).toEqual({ r: ['agent_a0'] });
    expect(outcome(plan(unknown, [run('r', 1, { minMemoryBytes: 1 })]))).toEqual({ r: 'CONSTRAINTS_UNSATISFIABLE' });
  });
});

describe('runs that arrange their devices', () => {
  const inventory = [agent('a', 0), agent('b', 0, { matmulGflops: 90 }), agent('c', 0, { matmulGflops: 50 })];

  it('get those that they name, in their order, of all that are free and suit them', () => {
    const fastest: QueuedRun['arrange'] = (devices) =>
      devices
        .toSorted((x, y) => y.matmulGflops - x.matmulGflops)
        .slice(0, 2)
        .map(({ id }) => id);
    expect(outcome(plan(inventory, [run('r', 2, { arrange: fastest })]))).toEqual({ r: ['agent_b0', 'agent_c0'] });
    const without = run('r', 2, { arrange: fastest, exclude: ['b'] });
    expect(outcome(plan(inventory, [without]))).toEqual({ r: ['agent_c0', 'agent_a0'] });
  });

  it('wait with the reason when no split fits, and are not asked with too few devices', () => {
    const { pending } = plan(inventory, [run('r', 2, { arrange: () => undefined })]);
    expect(pending[0]?.reason).toMatchObject({
      code: 'CONSTRAINTS_UNSATISFIABLE',
      sentence: 'the run needs 2 devices, and no split of its layers fits the memory of those that suit it',
      short: ['agent_a0', 'agent_b0', 'agent_c0'],
    });
    const asked: number[] = [];
    const few = run('r', 4, {
      arrange: (devices) => {
        asked.push(devices.length);
        return undefined;
      },
    });
    expect(outcome(plan(inventory, [few]))).toEqual({ r: 'NOT_ENOUGH_DEVICES' });
    expect(asked).toEqual([]);
  });
});

describe('a run whose arrangement is unknown', () => {
  const inventory = [agent('a', 0), agent('b', 0), agent('c', 0, leased('busy'))];
  const unknown: QueuedRun['arrange'] = () => 'unknown';

  it('is told with the devices that it may have, and nobody behind it is given one', () => {
    const queue = [run('first', 1, { priority: 90 }), run('next', 1, { arrange: unknown }), run('z', 1)];
    expect(plan(inventory, queue)).toEqual({
      placements: [{ runId: 'first', agentIds: ['agent_a0'] }],
      pending: [],
      undecided: { runId: 'next', agentIds: ['agent_b0'] },
    });
  });

  it('is not asked about while too few devices are free, and waits for them', () => {
    const queue = [run('large', 3, { arrange: unknown }), run('small', 1)];
    const planned = plan(inventory, queue);
    expect(outcome(planned)).toEqual({ large: 'WAITING_FOR_DEVICES', small: ['agent_a0'] });
    expect(planned.undecided).toBeUndefined();
  });
});

describe('why a run is pending', () => {
  const reasonOf = (inventory: InventoryAgent[], queued: QueuedRun): unknown =>
    plan(inventory, [queued]).pending[0]?.reason;

  it('NO_AGENTS', () => {
    expect(reasonOf([agent('h', 0, { connected: false })], run('r', 2))).toEqual({
      code: 'NO_AGENTS',
      sentence: 'the run needs 2 devices and no agent is connected (1 known)',
      nearest: {
        devices: [{ agentId: 'agent_h0', name: 'h:0', obstacles: ['its agent is not connected'] }],
        missingDevices: 1,
      },
    });
  });

  it('NOT_ENOUGH_DEVICES counts what drains', () => {
    const inventory = [agent('h', 0), agent('h', 1, { draining: true }), agent('h', 2, { connected: false })];
    expect(reasonOf(inventory, run('r', 2))).toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
      sentence: 'the run needs 2 devices and 2 are connected, 1 draining',
      nearest: { devices: [{ name: 'h:0' }, { name: 'h:1', obstacles: ['it is draining'] }], missingDevices: 0 },
    });
  });

  it('NOT_ENOUGH_DEVICES counts what is set aside, and the nearest placement says why', () => {
    const setAside = 'until 1970-01-01T00:20:00.000Z: 3 attempts failed because of it';
    expect(reasonOf([agent('h', 0), agent('h', 1, { setAside })], run('r', 2))).toMatchObject({
      code: 'NOT_ENOUGH_DEVICES',
      sentence: 'the run needs 2 devices and 2 are connected, 1 set aside after failures',
      nearest: { devices: [{ name: 'h:0' }, { obstacles: [`it is set aside ${setAside}`] }] },
    });
  });

  it('RETRY_WAITS says until when, and holds nobody back', () => {
    const waiting = run('r', 1, { notBefore: NOW + 1 });
    const { placements, pending } = plan([agent('h', 0)], [waiting, run('s', 1)], { backfill: false });
    expect(placements.map(({ runId }) => runId)).toEqual(['s']);
    expect(pending[0]?.reason).toMatchObject({
      code: 'RETRY_WAITS',
      sentence: 'the run waits until 1970-01-01T00:16:40.001Z, because its last attempts failed at once',
    });
    expect(outcome(plan([agent('h', 0)], [run('r', 1, { notBefore: NOW })]))).toEqual({ r: ['agent_h0'] });
  });

  it('CONSTRAINTS_UNSATISFIABLE says what each device fails', () => {
    const inventory = [agent('h', 0), agent('h', 1, { labels: { zone: 'east' } })];
    expect(reasonOf(inventory, run('r', 2, { labels: { zone: 'west' } }))).toMatchObject({
      code: 'CONSTRAINTS_UNSATISFIABLE',
      sentence:
        'the run needs 2 devices and 0 of 2 suit it ' +
        '(h:0: its label zone is absent, not west; h:1: its label zone is east, not west)',
    });
  });

  it('WAITING_FOR_DEVICES names the holders', () => {
    const lapsed = { leasedBy: 'y', leaseExpiresAt: NOW };
    const inventory = [agent('h', 0), agent('h', 1, leased('x')), agent('h', 2, lapsed)];
    expect(reasonOf(inventory, run('r', 2))).toMatchObject({
      code: 'WAITING_FOR_DEVICES',
      sentence: 'the run needs 2 devices, and 1 of 3 suitable are free; each of the runs x, y has the rest',
      nearest: { devices: [{ name: 'h:0' }, { name: 'h:2', obstacles: ['a lapsed lease of run y is on it'] }] },
    });
  });

  it('WAITING_FOR_DEVICES does not blame the run itself for what is left of its last attempt', () => {
    const own = "this run's last attempt has not given it back yet";
    const inventory = [agent('h', 0, leased('r')), agent('h', 1, { leasedBy: 'r', leaseExpiresAt: NOW })];
    expect(reasonOf(inventory, run('r', 2))).toMatchObject({
      sentence:
        'the run needs 2 devices, and 0 of 2 suitable are free; its own last attempt has not given its devices back yet',
      nearest: { devices: [{ obstacles: [own] }, { obstacles: [own] }] },
    });
    expect(reasonOf([...inventory, agent('h', 2, leased('x'))], run('r', 3))).toMatchObject({
      sentence: expect.stringMatching(/run x has some, and its own last attempt has not given its devices back yet$/),
    });
  });
});

const inventories = fc.uniqueArray(
  fc.record({
    host: fc.constantFrom('a', 'b', 'c'),
    device: fc.nat(4),
    connected: fc.boolean(),
    draining: fc.boolean(),
    memoryBytes: fc.option(fc.integer({ min: 1, max: 8 })),
    leasedBy: fc.option(fc.constantFrom('x', 'y'), { freq: 2 }),
  }),
  { selector: ({ host, device }) => `${host}${device}`, maxLength: 15 },
);
const queues = fc.uniqueArray(
  fc.integer({ min: 1, max: 5 }).chain((ranks) =>
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      ranks: fc.constant(ranks),
      priority: fc.nat(2),
      submittedAt: fc.nat(2),
      exclude: fc.subarray(['a', 'b:0', 'c:1']),
      minMemoryBytes: fc.constantFrom(0, 0, 3),
      requiredBytesPerStage: fc.option(fc.array(fc.nat(8), { minLength: ranks, maxLength: ranks }), { nil: undefined }),
    }),
  ),
  { selector: ({ id }) => id, maxLength: 8 },
);

const requests = fc.record({ inventory: inventories, queue: queues, backfill: fc.boolean() }).map((drawn) => ({
  policy: { backfill: drawn.backfill },
  inventory: drawn.inventory.map((each) => agent(each.host, each.device, { ...each, leaseExpiresAt: NOW })),
  queue: drawn.queue.map((each) => run(each.id, each.ranks, each)),
  now: NOW,
}));

describe('any plan', () => {
  it('never has one device in two gangs, a partial gang, or a device that the run may not have', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { placements, pending } = planPlacement(request);
        const given = placements.flatMap(({ agentIds }) => agentIds);
        expect(new Set(given).size).toBe(given.length);
        for (const { runId, agentIds } of placements) {
          const placed = request.queue.find(({ id }) => id === runId);
          expect(agentIds).toHaveLength(placed?.ranks ?? -1);
          agentIds.forEach((id, rank) => {
            const device = request.inventory.find((each) => each.id === id);
            if (placed === undefined || device === undefined) throw new TypeError('unknown run or device');
            expect(new DeviceObstacles(NOW).of(placed, device)).toEqual([]);
            expect(device.memoryBytes ?? 8).toBeGreaterThanOrEqual(placed.requiredBytesPerStage?.[rank] ?? 0);
          });
        }
        const seen = [...placements, ...pending].map(({ runId }) => runId).sort();
        expect(seen).toEqual(request.queue.map(({ id }) => id).sort());
        for (const { reason } of pending) expect(reason.sentence).toMatch(/needs \d+ device/);
      }),
    );
  });

  it('depends on nothing but what it is given, in no order', () => {
    const shuffled = requests.chain((request) =>
      fc.record({
        request: fc.constant(request),
        inventory: fc.shuffledSubarray(request.inventory, { minLength: request.inventory.length }),
        queue: fc.shuffledSubarray(request.queue, { minLength: request.queue.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ request, inventory, queue }) => {
        expect(planPlacement({ ...request, inventory, queue })).toEqual(planPlacement(request));
      }),
    );
  });

  it('leaves no run waiting that would fit on what is left, if it may backfill', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { placements, pending } = planPlacement({ ...request, policy: {} });
        const given = new Set(placements.flatMap(({ agentIds }) => agentIds));
        const inventory = request.inventory.filter(({ id }) => !given.has(id));
        const queue = request.queue.filter(({ id }) => pending.some(({ runId }) => runId === id));
        expect(planPlacement({ ...request, inventory, queue }).placements).toEqual([]);
      }),
    );
  });
});
