import { stageV1 } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { frameArray, frameBytes } from '../frame';
import { frameDType } from '../link/frame-channel';
import { decodeFrame, encodeHead, type FrameMessage } from './frame-codec';

const PLAIN = { isProtected: false };

/** Encodes a frame as a receiver has it: without the prefix, in memory that begins with the prefix. */
function encodeFrame(message: FrameMessage): Buffer {
  const head = encodeHead(message, PLAIN);
  const memory = new ArrayBuffer(head.length + message.part.length);
  const whole = Buffer.from(memory);
  whole.set(head);
  whole.set(message.part, head.length);
  return whole.subarray(5);
}

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
    rollbacks: 3,
  },
  part,
};

describe('a frame message', () => {
  it('is what it was after coding and decoding', () => {
    const decoded = decodeFrame(encodeFrame(message), PLAIN);
    expect({ ...decoded, part: [...decoded.part] }).toEqual({ ...message, part: [...part] });
    const bare = { ...message, frame: { ...message.frame, microBatch: -1 }, part: new Uint8Array(0) };
    expect(decodeFrame(encodeFrame(bare), PLAIN).frame.microBatch).toBe(-1);
  });

  it('carries the bits of f16', () => {
    const array = Uint16Array.of(0x3c00, 0xc000, 0x0001);
    expect(frameDType(array)).toBe('f16');
    const half = { ...message.frame, dtype: 'f16', shape: [3] } as const;
    expect(frameBytes(half)).toBe(6);
    const { frame, part: payload } = decodeFrame(
      encodeFrame({ ...message, frame: half, part: new Uint8Array(array.buffer) }),
      PLAIN,
    );
    expect(frameArray({ ...frame, payload: Uint8Array.from(payload) })).toEqual(array);
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
    expect(() => decodeFrame(bytes, PLAIN)).toThrowError(
      expect.objectContaining({ code: 'DATA_PLANE.FRAME_CORRUPT' }) as Error,
    );
  });

  it('has no checksum over TLS, and none is asked for', () => {
    const over = { isProtected: true };
    const head = encodeHead(message, over);
    const bytes = Buffer.concat([head.subarray(5), part]);
    expect(stageV1.Frame.decode(bytes).checksum).toBe(0);
    expect([...decodeFrame(bytes, over).part]).toEqual([...part]);
    expect(() => decodeFrame(bytes, PLAIN)).toThrow(/checksum/);
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
    expect(() => decodeFrame(bytes(), PLAIN)).toThrowError(
      expect.objectContaining({ code: 'DATA_PLANE.FRAME_MALFORMED' }) as Error,
    );
  });

  it('has the length of its message in the prefix, as gRPC wants it', () => {
    const head = encodeHead(message, PLAIN);
    expect(head[0]).toBe(0);
    expect(head.readUInt32BE(1)).toBe(head.length - 5 + part.length);
  });

  it('is aligned whatever the lengths of its header and payload', () => {
    for (let length = 1; length < 20; length++) {
      for (const bytes of [0, 4, 124, 128, 16_384, 2_097_152]) {
        const each = { ...message, runId: 'r'.repeat(length), part: new Uint8Array(bytes).fill(length) };
        const found = decodeFrame(encodeFrame(each), PLAIN).part;
        expect(found.byteOffset % 4).toBe(0);
        expect(Buffer.compare(found, each.part)).toBe(0);
      }
    }
  });
});
