import { tokenizerFromJSON } from '@millrace/data';
import { expect, it } from 'vitest';
import { GenerateService } from './generate.service';

it('refuses a prompt with a token that the model does not have, before it asks for devices', async () => {
  const checkpoint = { id: 'ckpt_1', runId: 'run_1', manifest: { model: { vocab: 98, heads: 2 } } };
  const parts = [
    { findDurable: () => Promise.resolve(checkpoint) },
    {},
    { of: () => Promise.resolve(tokenizerFromJSON({ name: 'byte', vocab: 256 })) },
    { choose: () => Promise.reject(new Error('devices were asked for')) },
  ];
  const service = new GenerateService(...(parts as unknown as ConstructorParameters<typeof GenerateService>));
  const ask = { maxTokens: 1, temperature: 0, seed: 1 };
  await expect(service.generate('ckpt_1', { ...ask, prompt: 'abc' })).rejects.toMatchObject({
    code: 'DATA.TOKEN_BEYOND_VOCAB',
    message: expect.stringContaining('the prompt has the id 98 at position 1, but the model has a vocabulary of 98'),
  });
  await expect(service.generate('ckpt_1', { ...ask, prompt: 'aaa' })).rejects.toThrowError('devices were asked for');
});
