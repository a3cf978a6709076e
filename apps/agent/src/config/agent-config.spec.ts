import { expect, it } from 'vitest';
import { readAgentConfig } from './agent-config';

const config = (advertise: string): ReturnType<typeof readAgentConfig> =>
  readAgentConfig({ MILLRACE_JOIN: 'api:7000', MILLRACE_HOME: '/tmp/home', MILLRACE_ADVERTISE: advertise });

it.each([
  ['node.example:7171', 7171],
  ['node.example', 0],
  ['10.0.0.7', 0],
  ['[fd00::1]:7171', 7171],
  ['fd00::1', 0],
])('%s can be advertised', (advertise, dataPort) => {
  expect(config(advertise)).toMatchObject({ advertise, dataPort });
});

it.each(['http://node:7171', 'node :7171', '[fd00::1', ''.padEnd(3, '/')])('%s cannot', (advertise) => {
  expect(() => config(advertise)).toThrow(/MILLRACE_ADVERTISE must be host:port/);
});
