import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventsRepository } from '../src/ground/events/events.repository';
import { EventsService } from '../src/ground/events/events.service';
import { LogsRepository } from '../src/ledger/logs/logs.repository';
import { MetricsRepository } from '../src/ledger/metrics/metrics.repository';
import { eventually } from './api-under-test';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/** Events of the form that the API writes: one id and one line of data. */
async function* readServerSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let pending = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    pending += Buffer.from(chunk).toString();
    const blocks = pending.split('\n\n');
    pending = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? [];
      if (id !== undefined && data !== undefined) yield { id, data };
    }
  }
}

describe('what runs write', () => {
  let api: RunningApi;
  let runId: string;
  beforeAll(async () => {
    api = await RunningApi.start();
    await createDataset(api);
    runId = ((await (await api.post('/runs', runSpec())).json()) as { id: string }).id;
    await api.prisma.run.update({ where: { id: runId }, data: { fence: 2 } });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const append = (subject: string, run: string | undefined = runId): Promise<void> =>
    api.prisma.transaction((tx) =>
      api.application
        .get(EventsService, { strict: false })
        .append(tx, { type: 'test', subject, actor: 'test', data: {}, ...(run ? { runId: run } : {}) }),
    );

  /** Reads until `count` events came; with `started`, those that it appends: the run has events of its own. */
  async function read(
    path: string,
    count: number,
    headers: Record<string, string> = {},
    started?: () => void,
  ): Promise<ServerSentEvent[]> {
    const abort = new AbortController();
    const response = await api.call(path, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    started?.();
    const events: ServerSentEvent[] = [];
    for await (const event of readServerSentEvents(response.body as ReadableStream<Uint8Array>)) {
      if (
        started !== undefined &&
        path.endsWith('events') &&
        (JSON.parse(event.data) as { type: string }).type !== 'test'
      )
        continue;
      if (events.push(event) === count) break;
    }
    abort.abort();
    return events;
  }

  const subjects = (events: ServerSentEvent[]): string[] =>
    events.map(({ data }) => (JSON.parse(data) as { subject: string }).subject);

  describe('events', () => {
    it('arrive live and in order, only those of the run', async () => {
      const events = await read(`/runs/${runId}/events`, 2, {}, () => {
        void append('elsewhere', '')
          .then(() => append('first'))
          .then(() => append('second'));
      });
      expect(subjects(events)).toEqual(['first', 'second']);
      expect(Number(events[1]?.id)).toBeGreaterThan(Number(events[0]?.id));
    });

    it('are replayed after Last-Event-ID, also after a restart of the API', async () => {
      const [first] = await read('/events', 1, { 'last-event-id': '0' });
      await append('third');
      await api.restart();
      const all = await read('/events', 4, { 'last-event-id': first?.id ?? '' });
      expect(subjects(all).slice(-1)).not.toEqual(subjects([first as ServerSentEvent]));
      const again = await read(`/runs/${runId}/events`, 1, { 'last-event-id': all.at(-2)?.id ?? '' });
      expect(BigInt(again[0]?.id ?? 0)).toBeGreaterThan(BigInt(all.at(-2)?.id ?? 0));
    });

    it('of a transaction that commits late are not left out', async () => {
      const events = await read('/events', 2, {}, () => {
        const looks = vi.spyOn(api.application.get(EventsRepository, { strict: false }), 'range');
        void api.prisma.transaction(async (tx) => {
          await api.application
            .get(EventsService, { strict: false })
            .append(tx, { type: 'test', subject: 'late', actor: 'test', data: {} });
          await append('early');
          // The second look from now on begins after "early" was committed and was passed over by the first.
          const before = looks.mock.calls.length;
          await eventually('two looks at the events', () => looks.mock.calls.length >= before + 2);
        });
      });
      expect(subjects(events)).toEqual(['late', 'early']);
    });

    it('go on behind a gap that a rolled back transaction left', async () => {
      const events = await read('/events', 1, {}, () => {
        const service = api.application.get(EventsService, { strict: false });
        void api.prisma
          .transaction(async (tx) => {
            await service.append(tx, { type: 'test', subject: 'never', actor: 'test', data: {} });
            throw new RangeError('rolled back on purpose');
          })
          .catch(() => append('after'));
      });
      expect(subjects(events)).toEqual(['after']);
    });
  });

  describe('metrics', () => {
    const store = (fence: number, points: [number, number][]): Promise<boolean> =>
      api.prisma.transaction((tx) =>
        api.application.get(MetricsRepository, { strict: false }).store(tx, {
          runId,
          fence,
          points: points.map(([step, value]) => ({ name: 'train/loss', step, value, timeMs: 1_700_000_000_123 })),
        }),
      );
    const page = async (
      query: string,
    ): Promise<{ points: { step: number; value: number; time: string }[]; nextCursor: string | null }> =>
      (await (await api.call(`/runs/${runId}/metrics?name=train/loss${query}`)).json()) as never;

    it('keep every bit, ascend, and have one point per step: the latest', async () => {
      expect(
        await store(2, [
          [3, 0.1 + 0.2],
          [1, Math.PI],
          [2, 5e-324],
        ]),
      ).toBe(true);
      expect(
        await store(2, [
          [2, 1 / 3],
          [4, Number.NaN],
        ]),
      ).toBe(true);
      const { points, nextCursor } = await page('');
      expect(points.map(({ step, value }) => [step, value])).toEqual([
        [1, Math.PI],
        [2, 1 / 3],
        [3, 0.1 + 0.2],
      ]);
      expect(points[0]?.time).toBe('2023-11-14T22:13:20.123Z');
      expect(nextCursor).toBeNull();
      expect((await api.prisma.run.findUniqueOrThrow({ where: { id: runId } })).step).toBe(3);
    });

    it('under another fence are refused', async () => {
      expect(await store(1, [[9, 9]])).toBe(false);
      expect(await store(3, [[9, 9]])).toBe(false);
      expect((await page('')).points).toHaveLength(3);
    });

    it('are paged; the name is required and limit and cursor are checked', async () => {
      const first = await page('&limit=2');
      expect(first.points.map(({ step }) => step)).toEqual([1, 2]);
      expect((await page(`&limit=2&cursor=${first.nextCursor}`)).points.map(({ step }) => step)).toEqual([3]);
      for (const [query, field] of [
        ['', '/name'],
        ['name=a&limit=0', '/limit'],
        ['name=a&cursor=x', '/cursor'],
      ]) {
        const problem = await expectProblem(
          await api.call(`/runs/${runId}/metrics?${query}`),
          400,
          'API.QUERY_INVALID',
        );
        expect(problem.errors?.[0]?.path).toBe(field);
      }
    });
  });

  describe('logs', () => {
    const store = (texts: string[], stage = 0, fence = 2): Promise<boolean> =>
      api.prisma.transaction((tx) =>
        api.application.get(LogsRepository, { strict: false }).store(tx, {
          runId,
          fence,
          agent: 'agent_a',
          lines: texts.map((text) => ({ timeMs: 1, level: stage === 0 ? 'info' : 'warn', stage, text })),
        }),
      );
    const page = async (query: string): Promise<{ items: { id: string; text: string }[]; nextCursor: string | null }> =>
      (await (await api.call(`/runs/${runId}/logs?${query}`)).json()) as never;

    it('are paged and filtered', async () => {
      expect([await store(['a', 'b\0']), await store(['c'], 1), await store(['old'], 0, 1)]).toEqual([
        true,
        true,
        false,
      ]);
      const first = await page('limit=2');
      expect(first.items.map(({ text }) => text)).toEqual(['a', 'b\uFFFD']);
      expect((await page(`limit=2&cursor=${first.nextCursor}`)).items.map(({ text }) => text)).toEqual(['c']);
      expect((await page(`after=${first.items[1]?.id}`)).items.map(({ text }) => text)).toEqual(['c']);
      expect((await page('stage=1')).items.map(({ text }) => text)).toEqual(['c']);
      expect((await page('level=warn,error')).items.map(({ text }) => text)).toEqual(['c']);
    });

    it('are followed as a stream that goes on after Last-Event-ID', async () => {
      const lines = await read(`/runs/${runId}/logs`, 4, {}, () => void store(['d']));
      expect(lines.map(({ data }) => (JSON.parse(data) as { text: string }).text)).toEqual(['a', 'b\uFFFD', 'c', 'd']);
      const again = await read(`/runs/${runId}/logs`, 1, { 'last-event-id': lines[2]?.id ?? '' });
      expect(again[0]?.id).toBe(lines[3]?.id);
    });
  });
});
