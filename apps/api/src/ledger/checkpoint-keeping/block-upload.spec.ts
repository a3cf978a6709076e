import type { blobV1 } from '@millrace/contracts';
import { expect, it } from 'vitest';
import { BlockUploadService } from './block-upload.service';

const HEADER: blobV1.PutHeader = { runId: 'run_1', fence: 1, step: 1, sha256: 'a'.repeat(64), bytes: 1 };

it.each<[string, Partial<blobV1.PutHeader>]>([
  ['run_id must have at most 200 characters and no NUL', { runId: 'x'.repeat(1_000_000) }],
  ['run_id must have at most 200 characters and no NUL', { runId: 'run\0' }],
  ['fence is 2147483648, not from 0 to 2147483647', { fence: 2 ** 31 }],
  ['step is -1, not from 0 to 2147483647', { step: -1 }],
  ['sha256 must be 64 lower-case hexadecimal digits', { sha256: 'A'.repeat(64) }],
  ['a block is not empty', { bytes: 0 }],
  ['above the limit', { bytes: 2 ** 40 }],
])('refuses a header before it asks anybody: %s', async (reason, change) => {
  const none = {} as never;
  const messages = async function* (): AsyncGenerator<NonNullable<blobV1.PutRequest['body']>> {
    yield { $case: 'header', value: { ...HEADER, ...change } };
  };
  const refused = new BlockUploadService(none, none, none, none).receive(messages(), 'agent_1');
  const error = await refused.catch((thrown: unknown) => thrown as Error);
  expect((error as Error).message).toContain(reason);
  expect((error as Error).message.length).toBeLessThan(300);
});
