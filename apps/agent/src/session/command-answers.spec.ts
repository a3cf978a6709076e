import { expect, it } from 'vitest';
import { CommandAnswers } from './command-answers';

it('takes nothing up any more once it is closed, and answers again what it did', () => {
  const told: string[] = [];
  const answers = new CommandAnswers({
    send: (body) => told.push(body.$case === 'commandResult' ? body.value.commandId : body.$case),
    onDone: () => undefined,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const done: string[] = [];
  const work = (id: string) => () => void done.push(id);
  answers.execute('before', work('before'));
  answers.close();
  answers.execute('after', work('after'));
  answers.execute('before', work('before again'));
  expect(done).toEqual(['before']);
  expect(told).toEqual(['before', 'before']);
});
