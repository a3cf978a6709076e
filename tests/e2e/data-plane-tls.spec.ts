import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { GeneratedBody } from '@millrace/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster } from './support/live-cluster';
import { smallRun } from './support/small-run';

/** An address of this machine that is not loopback; where it has none, one that only looks so. */
const ADDRESS =
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '0.0.0.0';

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2, options: ['--advertise', ADDRESS] });
  const lines = Array.from({ length: 600 }, (_, index) => `line ${index} of a text\n`);
  const body = Buffer.from(lines.join(''));
  await cluster.client.createDataset({ name: 'lines', tokenizer: 'byte', contentType: 'text/plain', body });
});

afterAll(async () => {
  await cluster.stop();
});

/** What an agent's data port says to a client of HTTP/2 without TLS before it closes. */
function greeting(address: string): Promise<Buffer> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const socket = connect(Number(port), host, () =>
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
    );
    socket.on('data', (data: Buffer) => heard.push(data)).on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(heard)));
  });
}

/** From the newest checkpoint of a run. */
async function textOf(runId: string): Promise<GeneratedBody> {
  const { items } = await cluster.client.checkpoints(runId);
  const newest = items.reduce((best, each) => (each.step > best.step ? each : best));
  return cluster.client.generate(newest.id, { prompt: 'ab', maxTokens: 8, temperature: 0, seed: 1 });
}

async function submit(name: string, train: object, parallel: object): Promise<string> {
  const spec = smallRun(name, { model: { layers: 4 }, data: { dataset: 'lines' }, parallel, train });
  return (await cluster.client.submitRun(spec)).id;
}

it('trains, evaluates and generates over TLS between agents, to the same bits', { timeout: 240_000 }, async () => {
  const train = { steps: 6, evalEvery: 3, checkpointEvery: 0 };
  const split = await submit('over-tls', train, { pp: 2, partition: [3, 1] });
  const { attempts } = await cluster.untilRun(split, ['succeeded']);
  expect(attempts).toHaveLength(1);
  const whole = await submit('whole', train, { pp: 1 });
  await cluster.untilRun(whole, ['succeeded']);
  expect(await cluster.outcome(split)).toEqual(await cluster.outcome(whole));

  // Over both ranks, and over one: greedily, both say the same.
  const texts = await Promise.all([split, whole].map((id) => textOf(id)));
  expect(texts[0]).toEqual(texts[1]);
  expect(texts[0]?.tokens).toBe(8);

  const { items: agents } = await cluster.client.agents();
  const stages = attempts[0]!.stages.map(({ agent }) => agent);
  expect(new Set(stages).size).toBe(2);
  for (const { dataAddress } of agents) {
    expect(dataAddress.split(':')[0]).toBe(ADDRESS);
    // An alert of TLS at most, and none of the settings that an HTTP/2 server begins with.
    expect((await greeting(dataAddress)).length).toBeLessThan(10);
  }
});

it(
  'goes on over TLS after an agent was killed, with other certificates, to the same bits',
  { timeout: 240_000 },
  async () => {
    const train = { steps: 45, evalEvery: 0, checkpointEvery: 5 };
    const whole = await submit('calm', train, { pp: 1 });
    await cluster.untilRun(whole, ['succeeded']);
    const split = await submit('killed', train, { pp: 2, partition: [2, 2] });
    await cluster.untilStep(split, 6);
    const [first] = (await cluster.client.run(split)).attempts;
    cluster.killAgent(first!.stages[1]!.agent);
    const { attempts } = await cluster.untilRun(split, ['succeeded']);
    // Certificates name the fence of their attempt: those of the first one are worth nothing in the second.
    expect(attempts).toHaveLength(2);
    expect(attempts[0]?.failure?.class).toBe('node_lost');
    expect(attempts[1]?.fence).toBeGreaterThan(first!.fence);
    expect(await cluster.outcome(split)).toEqual(await cluster.outcome(whole));
  },
);
