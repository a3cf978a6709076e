import { Metadata, type MethodDefinition } from '@grpc/grpc-js';
import { stageV1 } from '@millrace/contracts';
import type { CreditMessage, StreamIdentity } from '../data-plane/frame-channel';

/** Frames are framed by hand (data-plane/frame-codec.ts), so the serialisers pass buffers through. */
const passThrough = (message: Buffer): Buffer => message;

export const EXCHANGE: MethodDefinition<Buffer, CreditMessage> & { originalName: string } = {
  path: '/millrace.stage.v1.StageService/Exchange',
  originalName: 'exchange',
  requestStream: true,
  responseStream: true,
  requestSerialize: passThrough,
  requestDeserialize: passThrough,
  responseSerialize: (credit) => Buffer.from(stageV1.Credit.encode(credit).finish()),
  responseDeserialize: (bytes) => stageV1.Credit.decode(bytes),
};

export function identityMetadata({ runId, fence, key, fromRank }: StreamIdentity): Metadata {
  const metadata = new Metadata();
  metadata.set('millrace-run', runId);
  metadata.set('millrace-fence', String(fence));
  metadata.set('millrace-key', key);
  metadata.set('millrace-from', String(fromRank));
  return metadata;
}

/** What is missing comes out as '' or NaN, which no attempt matches. */
export function streamIdentity(metadata: Metadata): StreamIdentity {
  const text = (name: string): string => String(metadata.get(name)[0] ?? '');
  const number = (name: string): number => (text(name) === '' ? NaN : Number(text(name)));
  return {
    runId: text('millrace-run'),
    fence: number('millrace-fence'),
    key: text('millrace-key'),
    fromRank: number('millrace-from'),
  };
}
