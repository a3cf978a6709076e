import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  agentV1,
  briefRunSchema,
  type DatasetPreviewBody,
  listedRunSchema,
  type OverviewBody,
  type SeriesBody,
  type StreamMessage,
} from '@millrace/contracts';
import { EventsService } from '../src/ground/events/events.service';
import { GrpcServer } from '../src/boundary/grpc/grpc-server';
import { LiveFeedService } from '../src/live/streams/live-feed.service';
import { LogsRepository } from '../src/ledger/logs/logs.repository';
import { MetricsRepository } from '../src/ledger/metrics/metrics.repository';
import { TelemetryService } from '../src/ledger/telemetry/telemetry.service';
import { eventually } from './api-under-test';
import { FakeAgent } from './fake-agent';
import { createDataset, expectProblem, RunningApi, runSpec, START_MS_MAX } from './running-api';

const listeners = (feed: LiveFeedService): ReadonlyMap<unknown, unknown> =>
  (feed as unknown as { listeners: ReadonlyMap<unknown, unknown> }).listeners;

const body = async <T>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T;

describe('what the dashboard shows', () => {
  let api: RunningApi;
  let runId: string;
  let datasetId: string;
  beforeAll(async () => {
    api = await RunningApi.start();
    datasetId = (await createDataset(api)).id;
    runId = (await body<{ id: string }>(api.post('/runs', runSpec()))).id;
    await api.prisma.run.update({ where: { id: runId }, data: { fence: 2 } });
  }, START_MS_MAX);
  afterAll(() => api.stop(), START_MS_MAX);

  const store = (name: string, values: readonly number[], firstStep = 1): Promise<boolean> =>
    api.prisma.transaction((tx) =>
      api.application.get(MetricsRepository, { strict: false }).store(tx, {
        runId,
        fence: 2,
        points: values.map((value, index) => ({ name, step: firstStep + index, value, timeMs: 1_700_000_000_000 })),
      }),
    );

  it('lists runs without what only their own pages show, and reads no plan for it', async () => {
    const attempt = { id: 'attempt_listed', runId, fence: 1, state: 'failed', plan: {}, dataKey: '', fromStep: 1 };
    await api.prisma.attempt.create({ data: attempt });
    const { items } = await body<{ items: { id: string }[] }>(api.call('/runs'));
    const listed = items.find(({ id }) => id === runId);
    expect(listedRunSchema.strict().safeParse(listed).error).toBeUndefined();
    expect(listed).toMatchObject({ attempts: [{ id: 'attempt_listed', fence: 1, state: 'failed', failure: null }] });
    await api.prisma.attempt.delete({ where: { id: attempt.id } });
  });

  it('lists runs as rows of a table, without specs and attempts', async () => {
    const read = async (query: string): Promise<{ items: { id: string }[]; nextCursor: string | null }> =>
      body(api.call(`/runs?${query}`));
    const second = await body<{ id: string }>(api.post('/runs', runSpec({ name: 'second', parallel: { pp: 1 } })));
    const { items, nextCursor } = await read('view=brief&limit=1');
    expect(items).toMatchObject([{ id: second.id, name: 'second', parallel: { pp: 1, schedule: '1f1b' } }]);
    for (const item of items) expect(briefRunSchema.strict().safeParse(item).error).toBeUndefined();
    const rest = await read(`view=brief&cursor=${nextCursor}`);
    expect(rest).toMatchObject({ items: [{ id: runId, steps: 2 }], nextCursor: null });
    expect((await read('view=brief&search=second')).items).toMatchObject([{ id: second.id }]);
    await expectProblem(await api.call('/runs?view=short'), 400, 'API.QUERY_INVALID');
    await api.prisma.run.delete({ where: { id: second.id } });
  });

  describe('series', () => {
    const series = (query: string): Promise<SeriesBody> => body(api.call(`/runs/${runId}/series?${query}`));

    it('are exact as long as the points fit', async () => {
      await store('train/loss', [Math.PI, 1 / 3, 5e-324]);
      const { series: found } = await series('names=train/loss,none&points=3');
      expect(found).toEqual([
        {
          name: 'train/loss',
          total: 3,
          points: [Math.PI, 1 / 3, 5e-324].map((value, index) => ({ step: index + 1, value, min: value, max: value })),
        },
        { name: 'none', total: 0, points: [] },
      ]);
    });

    it('are buckets of steps otherwise: least, largest, last', async () => {
      await store('wave', [5, 1, 9, 2, 8, 3, 7]);
      const [wave] = (await series('names=wave&points=3')).series;
      expect(wave).toEqual({
        name: 'wave',
        total: 7,
        points: [
          { step: 3, value: 9, min: 1, max: 9 },
          { step: 6, value: 3, min: 2, max: 8 },
          { step: 7, value: 7, min: 7, max: 7 },
        ],
      });
      const [part] = (await series('names=wave&from=2&to=4')).series;
      expect(part?.points.map(({ step }) => step)).toEqual([2, 3, 4]);
    });

    it('are all names without `names`, and refuse what makes no sense', async () => {
      expect((await series('')).series.map(({ name }) => name)).toEqual(['train/loss', 'wave']);
      for (const query of ['points=0', 'points=x', 'from=-1', `names=${'a,'.repeat(30)}b${'c'.repeat(201)}`]) {
        await expectProblem(await api.call(`/runs/${runId}/series?${query}`), 400, 'API.QUERY_INVALID');
      }
      await expectProblem(await api.call('/runs/run_x/series'), 404, 'RUN.NOT_FOUND');
    });
  });

  it('an overview of agents, runs, queue and failures', async () => {
    const failed = await body<{ id: string }>(api.post('/runs', runSpec({ name: 'broken' })));
    const reason = { code: 'RUN.LOSS_NOT_FINITE', message: 'x' };
    await api.prisma.run.update({
      where: { id: failed.id },
      data: { state: 'failed', finishedAt: new Date(0), reason },
    });
    const overview = await body<OverviewBody>(api.call('/overview'));
    expect(overview).toMatchObject({
      agents: { connected: 0, draining: 0, gone: 0, devices: 0, leased: 0 },
      runs: { queued: 1, failed: 1, succeeded: 0 },
      recentFailures: [{ id: failed.id, name: 'broken', state: 'failed', reason, endedAt: '1970-01-01T00:00:00.000Z' }],
      queue: [{ id: runId, name: 'test', position: 1 }],
      tokensPerSecond: 0,
    });
    expect(overview.queue[0]?.reason?.code).toBeTruthy();
    await api.prisma.run.update({ where: { id: runId }, data: { state: 'recovering' } });
    expect((await body<OverviewBody>(api.call('/overview'))).queue).toMatchObject([{ id: runId, position: 1 }]);
    await store('train/tokens_per_second', [10, 20]);
    await api.prisma.run.update({ where: { id: runId }, data: { state: 'running' } });
    expect((await body<OverviewBody>(api.call('/overview'))).tokensPerSecond).toBe(20);
    await api.prisma.run.update({ where: { id: runId }, data: { state: 'queued' } });
  });

  it('runs by the words of a search, in name, id, project or reason, page after page', async () => {
    const named = async (name: string): Promise<string> =>
      (await body<{ id: string }>(api.post('/runs', runSpec({ name })))).id;
    const ids = [await named('Sweep_a'), await named('sweepXa'), await named('other')];
    const reason = { code: 'RUN.NODE_LOST', message: 'agent box-b went 100% away' };
    await api.prisma.run.update({ where: { id: ids[2]! }, data: { state: 'failed', reason } });
    const search = async (query: string): Promise<string[]> => {
      const page = await body<{ items: { id: string }[]; nextCursor: string | null }>(api.call(`/runs?${query}`));
      const rest = page.nextCursor === null ? [] : await search(`${query}&cursor=${page.nextCursor}`);
      return [...page.items.map(({ id }) => id), ...rest];
    };
    // A character that stands for any other in a pattern stands for itself here.
    expect(await search('search=SWEEP_')).toEqual([ids[0]]);
    expect(await search('search=sweep&limit=1')).toEqual([ids[1], ids[0]]);
    expect(await search(`search=${ids[1]!.slice(0, -1)}`)).toEqual([ids[1]]);
    expect(await search('search=box-b%20node_lost')).toEqual([ids[2]]);
    expect(await search(`search=${encodeURIComponent('100% AWAY')}&state=failed`)).toEqual([ids[2]]);
    expect(await search(`search=${encodeURIComponent('90%')}`)).toEqual([]);
    expect(await search('search=sweep%20other')).toEqual([]);
    await expectProblem(await api.call(`/runs?search=${'x'.repeat(201)}`), 400, 'API.QUERY_INVALID');
    expect(await search(`search=${'sweep+'.repeat(8)}`)).toEqual([ids[1], ids[0]]);
    const tooMany = await api.call(`/runs?search=${'sweep+'.repeat(9)}`);
    const problem = await expectProblem(tooMany, 400, 'API.QUERY_INVALID');
    expect(problem.errors).toEqual([{ path: '/search', message: 'must be at most 8 words' }]);
  });

  it('no runs of a search that takes longer than it may, and the next search as ever', async () => {
    const slow = await api.prisma.transaction(async (tx) => {
      // Whoever reads runs has to wait, as with a table of millions of rows.
      await tx.$executeRaw`LOCK TABLE "Run" IN ACCESS EXCLUSIVE MODE`;
      return api.call('/runs?search=sweep');
    });
    await expectProblem(slow, 507, 'RUN.SEARCH_TIMEOUT');
    expect((await api.call('/runs?search=sweep')).status).toBe(200);
    // The limit ended with the search's transaction: what the pool sets for every statement holds again.
    const [setting] = await api.prisma.$queryRaw<{ statement_timeout: string }[]>`SHOW statement_timeout`;
    expect(setting?.statement_timeout).toBe('30s');
  });

  it('a preview of a dataset: tokens, text, and pieces where there is text', async () => {
    const preview = (id: string, query = ''): Promise<DatasetPreviewBody> =>
      body(api.call(`/datasets/${id}/preview${query}`));
    expect(await preview(datasetId, '?offset=3&tokens=3')).toEqual({
      tokens: [119, 97, 115],
      text: 'was',
      pieces: ['w', 'a', 's'],
    });
    expect((await preview(datasetId)).tokens).toHaveLength(256);
    expect((await preview(datasetId, '?offset=1000000')).tokens).toEqual([]);
    const uploaded = await body<{ id: string }>(
      api.call('/datasets?name=ids', {
        method: 'POST',
        body: new Uint8Array(new Uint16Array([1, 515, 2]).buffer),
        headers: { 'content-type': 'application/x-tokens-u16' },
      }),
    );
    expect(await preview(uploaded.id)).toEqual({ tokens: [1, 515, 2], text: null, pieces: null });
    await expectProblem(await api.call(`/datasets/${datasetId}/preview?tokens=0`), 400, 'API.QUERY_INVALID');
    await expectProblem(await api.call('/datasets/x/preview'), 404, 'DATASET.NOT_FOUND');
  });

  describe('a stream of topics', () => {
    /** Reads messages until `enough` returns true. */
    async function read(
      query: string,
      enough: (messages: StreamMessage[]) => boolean,
      started?: () => void,
    ): Promise<StreamMessage[]> {
      const abort = new AbortController();
      const response = await api.call(`/events?${query}`, { signal: abort.signal });
      expect(response.status).toBe(200);
      started?.();
      const messages: StreamMessage[] = [];
      let pending = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const blocks = (pending + Buffer.from(chunk).toString()).split('\n\n');
        pending = blocks.pop() ?? '';
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (data !== undefined) messages.push(JSON.parse(data) as StreamMessage);
        }
        if (enough(messages)) break;
      }
      abort.abort();
      return messages;
    }
    const append = (type: string, subject: string, run?: string): Promise<void> =>
      api.prisma.transaction((tx) =>
        api.application
          .get(EventsService, { strict: false })
          .append(tx, { type, subject, actor: 'test', data: {}, ...(run === undefined ? {} : { runId: run }) }),
      );

    /**
     * Calls `work` when the newest stream has had its first look, which only remembers what there is. That look is over
     * when another one begins after it.
     */
    async function onceWatched(work: () => unknown): Promise<void> {
      const feed = api.application.get(LiveFeedService, { strict: false });
      const looks = vi.spyOn(feed as unknown as { lookOnce(): Promise<void> }, 'lookOnce');
      // The stream of an earlier test may still be on its way out.
      await eventually('one stream watches', () => listeners(feed).size === 1);
      const before = looks.mock.calls.length;
      await eventually('its first look is over', () => looks.mock.calls.length >= before + 2);
      looks.mockRestore();
      await work();
    }

    it('has what was asked for, once, under the most specific topic', async () => {
      const messages = await read(
        `topics=datasets,runs,run:${runId}`,
        (all) => all.length >= 3,
        () =>
          void append('agent.state', 'agent_a')
            .then(() => append('run.state', 'run_other', 'run_other'))
            .then(() => append('run.state', runId, runId))
            .then(() => append('dataset.created', 'dataset_a')),
      );
      expect(messages.map(({ topic, type }) => [topic, type])).toEqual([
        ['runs', 'run.state'],
        [`run:${runId}`, 'run.state'],
        ['datasets', 'dataset.created'],
      ]);
      expect(messages.every(({ sequence }) => /^\d+$/.test(sequence ?? ''))).toBe(true);
    });

    it('replays after ?after=', async () => {
      const all = await read('topics=runs,queue,datasets&after=0', (messages) => messages.length >= 4);
      const [first, second] = all;
      const [again] = await read(`topics=runs,queue,datasets&after=${first?.sequence}`, ({ length }) => length > 0);
      expect(again).toEqual(second);
    });

    it('has metrics and log lines of a run that is watched', async () => {
      const messages = await read(
        `topics=run:${runId}`,
        (all) => all.some(({ type }) => type === 'run.metric') && all.some(({ type }) => type === 'run.log'),
        () =>
          void onceWatched(() => {
            void store('train/loss', [2.5], 1_000);
            const logs = api.application.get(LogsRepository, { strict: false });
            const lines = [{ timeMs: 1, level: 'info', stage: 0, text: 'hello' }];
            void api.prisma.transaction((tx) => logs.store(tx, { runId, fence: 2, agent: 'agent_a', lines }));
          }),
      );
      expect(messages.find(({ type }) => type === 'run.metric')).toMatchObject({
        sequence: null,
        topic: `run:${runId}`,
        data: { runId, name: 'train/loss', step: 1_000, value: 2.5 },
      });
      expect(messages.find(({ type }) => type === 'run.log')?.data).toMatchObject({ text: 'hello', stage: 0 });
    });

    it('has telemetry of an agent that is watched by itself, and not of all', async () => {
      const id = 'agent_watched';
      const grpc = api.application.get(GrpcServer, { strict: false }).address;
      const agent = await new FakeAgent({ id, grpc, token: api.token }).connect();
      const service = api.application.get(TelemetryService, { strict: false });
      const store = (): Promise<void> =>
        service.store(id, { ...agentV1.DeviceTelemetry.create(), source: 'host', powerW: 42 });
      const isTelemetry = ({ type }: StreamMessage): boolean => type === 'agent.telemetry';
      const told = await read(
        `topics=agents,agent:${id}`,
        (all) => all.some(isTelemetry),
        () => void onceWatched(store),
      );
      expect(told.find(isTelemetry)).toMatchObject({
        sequence: null,
        topic: `agent:${id}`,
        subject: id,
        data: { agentId: id, source: 'host', powerW: 42, temperatureC: null },
      });
      const ofAll = await read(
        'topics=agents',
        (all) => all.some(({ type }) => type === 'agent.updated'),
        () => void onceWatched(() => store().then(() => agent.disconnect())),
      );
      expect(ofAll.filter(isTelemetry)).toEqual([]);
    });

    it.each(['topics=everything', 'topics=run:', 'topics=runs&after=x', `topics=${'runs,'.repeat(60)}runs`])(
      'refuses %s',
      async (query) => {
        await expectProblem(await api.call(`/events?${query}`), 400, 'API.QUERY_INVALID');
      },
    );
  });
});
