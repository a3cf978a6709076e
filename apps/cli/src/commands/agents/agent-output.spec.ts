import { describe, expect, it } from 'vitest';
import { AgentOutput, type LogForm } from './agent-output';

const TIME = new Date(2026, 0, 2, 13, 4, 5).getTime();
const line = (level: number, msg: string, fields: object = {}): string =>
  `${JSON.stringify({ level, time: TIME, app: 'agent', ...fields, msg })}\n`;

function output(form: LogForm): { output: AgentOutput; written: () => string } {
  let written = '';
  const made = new AgentOutput({ form, now: () => TIME, write: (text) => (written += text) });
  return { output: made, written: () => written };
}

describe('what an agent prints', () => {
  it('is sentences on a terminal, however its bytes are cut', () => {
    const { output: agent, written } = output('text');
    const text = line(30, 'the device is ready', { adapter: 'llvmpipe', quarantined: [], uuid: '' }) + line(40, 'slow');
    for (const half of [text.slice(0, 17), text.slice(17)]) agent.feed(half);
    agent.feed('{"dataAddress":"127.0.0.1:7171","agentId":"agent_1"}\n');
    expect(written().split('\n')).toEqual([
      '13:04:05  the device is ready (adapter llvmpipe)',
      '13:04:05  warning: slow',
      '13:04:05  agent_1 is reached by other agents at 127.0.0.1:7171',
      '',
    ]);
  });

  it('is passed on as it is for programs', () => {
    const { output: agent, written } = output('json');
    agent.feed(line(30, 'a'));
    agent.feed('a driver speaks\nand stops amid');
    expect(written()).toBe(`${line(30, 'a')}a driver speaks\nand stops amid`);
  });

  it('says a warning of the driver once, and passes on every other byte, however they are cut', () => {
    const long = line(30, 'x'.repeat(5000));
    const said = `Warning: a limit\n${long}Warning: a limit\nwarm\nWarning: a limit\nWarning: another\n`;
    for (const size of [1, 7, 1500, 20_000]) {
      const { output: agent, written } = output('json');
      for (let start = 0; start < said.length; start += size) agent.feed(said.slice(start, start + size));
      expect(written()).toBe(`Warning: a limit\n${long}warm\nWarning: another\n`);
    }
    const { output: agent, written } = output('text');
    agent.feed(said);
    expect(written().match(/a limit/g)).toHaveLength(1);
  });

  it.each(['text', 'json'] as const)('%s ends with what tells why', (form) => {
    const { output: agent } = output(form);
    agent.feed(line(30, 'fine') + line(60, 'the token is refused') + line(30, 'fine again'));
    agent.feed('Warning: a limit was reduced\n');
    agent.feed('terminate called without an active exception');
    expect(agent.lastWords()).toEqual(['error: the token is refused', 'terminate called without an active exception']);
  });

  it('has as last word the last line where nothing is grave', () => {
    const { output: agent } = output('text');
    agent.feed(line(30, 'one') + line(30, 'two'));
    expect(agent.lastWords()).toEqual(['two']);
  });
});
