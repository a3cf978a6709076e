import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveCluster } from './support/live-cluster';
import { createSmallDataset, smallRun } from './support/small-run';

/** An address of this machine that is not loopback; where it has none, one that only looks so. */
const ADDRESS =
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '0.0.0.0';

let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.start({ agents: 2, options: ['--advertise', ADDRESS] });
  await createSmallDataset(cluster.client);
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

it('trains and evaluates over TLS between agents, to the same bits', { timeout: 240_000 }, async () => {
  const train = { steps: 6, evalEvery: 3, checkpointEvery: 0 };
  const submit = async (name: string, parallel: object): Promise<string> =>
    (await cluster.client.submitRun(smallRun(name, { model: { layers: 4 }, parallel, train }))).id;
  const split = await submit('over-tls', { pp: 2, partition: [3, 1] });
  const { attempts } = await cluster.untilRun(split, ['succeeded']);
  expect(attempts).toHaveLength(1);
  const whole = await submit('whole', { pp: 1 });
  await cluster.untilRun(whole, ['succeeded']);
  expect(await cluster.outcome(split)).toEqual(await cluster.outcome(whole));

  const { items: agents } = await cluster.client.agents();
  const stages = attempts[0]!.stages.map(({ agent }) => agent);
  expect(new Set(stages).size).toBe(2);
  for (const { dataAddress } of agents) {
    expect(dataAddress.split(':')[0]).toBe(ADDRESS);
    // An alert of TLS at most, and none of the settings that an HTTP/2 server begins with.
    expect((await greeting(dataAddress)).length).toBeLessThan(10);
  }
});
