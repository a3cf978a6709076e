import { stageV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { decodeFrames, encodeFrames, type FrameMessage } from './frame-codec';

const encodeFrame = (...messages: FrameMessage[]): Buffer => encodeFrames(messages, (bytes) => Buffer.alloc(bytes));
const decodeFrame = (bytes: Buffer): FrameMessage => decodeFrames(bytes)[0]!;

const part = Uint8Array.from({ length: 400 }, (_, index) => index);
const message: FrameMessage = {
  runId: 'run_1',
  fence: 7,
  sequence: 300,
  frame: {
    edge: 'gradient',
    step: 12,
    chunk: 1,
    microBatch: 5,
    direction: 'backward',
    dtype: 'f32',
    shape: [10, 10],
    fromRank: 2,
  },
  part,
};

describe('a frame message', () => {
  it('is what it was after coding and decoding', () => {
    const decoded = decodeFrame(encodeFrame(message));
    expect({ ...decoded, part: [...decoded.part] }).toEqual({ ...message, part: [...part] });
    const bare = { ...message, frame: { ...message.frame, microBatch: -1 }, part: new Uint8Array(0) };
    expect(decodeFrame(encodeFrame(bare)).frame.microBatch).toBe(-1);
  });

  it('is a Frame of the proto file, for any other client', () => {
    const frame = stageV1.Frame.decode(encodeFrame(message));
    expect({ ...frame, payload: [...frame.payload] }).toMatchObject({
      runId: 'run_1',
      fence: 7,
      sequence: 300,
      edge: 'gradient',
      shape: [10, 10],
      payload: [...part],
    });
  });

  it('is refused when a byte of the payload changed', () => {
    const bytes = encodeFrame(message);
    bytes[bytes.length - 3]! ^= 4;
    expect(() => decodeFrame(bytes)).toThrowError(
      expect.objectContaining({ code: 'DATA_PLANE.FRAME_CORRUPT' }) as Error,
    );
  });

  it.each([
    ['no bytes', (): Buffer => Buffer.alloc(0)],
    ['a cut payload', (): Buffer => encodeFrame(message).subarray(0, -1)],
    ['noise', (): Buffer => Buffer.from('ff'.repeat(40), 'hex')],
    [
      'an unknown edge',
      (): Buffer => encodeFrame({ ...message, frame: { ...message.frame, edge: 'nonsense' as 'tied' } }),
    ],
  ])('is refused when it is %s', (_, bytes) => {
    expect(() => decodeFrame(bytes())).toThrowError(
      expect.objectContaining({ code: 'DATA_PLANE.FRAME_MALFORMED' }) as Error,
    );
  });

  it('holds several small frames, each where an array may begin behind the 5 bytes of gRPC', () => {
    const parts = [400, 4, 0, 131_072, 3].map((bytes, index) => new Uint8Array(bytes).fill(index + 1));
    const messages = parts.map((each, index) => ({ ...message, sequence: 300 + index, part: each }));
    const encoded = encodeFrame(...messages);
    const received = Buffer.from(Buffer.concat([Buffer.alloc(5), encoded]).buffer).subarray(5, 5 + encoded.length);
    const decoded = decodeFrames(received);
    expect(decoded.map((each) => ({ ...each, part: [...each.part] }))).toEqual(
      messages.map((each) => ({ ...each, part: [...each.part] })),
    );
    for (const each of decoded) if (each.part.length >= 4) expect(each.part.byteOffset % 4).toBe(0);
    expect(stageV1.Frame.decode(encoded)).toMatchObject({ edge: 'batch', sequence: 300 });
    received[received.length - 1]! ^= 1;
    expect(() => decodeFrames(received)).toThrowError(
      expect.objectContaining({ code: 'DATA_PLANE.FRAME_CORRUPT' }) as Error,
    );
  });

  it('is aligned whatever the length of its header', () => {
    for (let length = 1; length < 20; length++) {
      const encoded = encodeFrame({ ...message, runId: 'r'.repeat(length) });
      const { part: found } = decodeFrame(
        Buffer.from(Buffer.concat([Buffer.alloc(5), encoded]).buffer, 5, encoded.length),
      );
      expect(found.byteOffset % 4).toBe(0);
    }
  });
});
