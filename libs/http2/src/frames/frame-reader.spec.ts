import { describe, expect, it } from 'vitest';
import { FLAG, FRAME_TYPE, type FrameHeader, PREFACE } from './frame-format';
import { FrameReader, type FrameSink } from './frame-reader';
import { frameHeader, pingFrame, settingsFrame } from './frame-writer';

/** Writes down what it is told, one line each; takes up to `roomBytes` of DATA directly. */
class Diary implements FrameSink {
  readonly lines: string[] = [];
  data = '';
  readonly room = Buffer.alloc(200_000);

  constructor(private readonly roomBytes = 0) {}

  onFrame({ type, streamId }: FrameHeader, payload: Buffer): void {
    this.lines.push(`frame ${type} of ${streamId}: ${payload.toString('hex')}`);
  }

  onDataStart({ bytes }: FrameHeader): void {
    this.lines.push(`data ${bytes}`);
  }

  onData(chunk: Buffer): void {
    this.data += chunk.toString('latin1');
  }

  dataRoom(): Buffer | undefined {
    return this.roomBytes === 0 ? undefined : this.room.subarray(0, this.roomBytes);
  }

  onDataPlaced(bytes: number): void {
    this.data += this.room.toString('latin1', 0, bytes);
  }

  onDataEnd(): void {
    this.lines.push(`end ${this.data.length}`);
  }
}

function dataFrame(payload: Buffer, flags = 0): Buffer {
  return Buffer.concat([frameHeader({ bytes: payload.length, type: FRAME_TYPE.data, flags, streamId: 1 }), payload]);
}

const STREAM = Buffer.concat([
  PREFACE,
  settingsFrame({ enablePush: 0 }),
  dataFrame(Buffer.from('hello ')),
  dataFrame(Buffer.alloc(0), FLAG.endStream),
  dataFrame(Buffer.from('\x03world\0\0\0', 'latin1'), FLAG.padded),
  dataFrame(Buffer.from('\x02\0\0', 'latin1'), FLAG.padded),
  // A type that nobody has heard of.
  frameHeader({ bytes: 3, type: 0x77, flags: 0, streamId: 9 }),
  Buffer.from('???'),
  pingFrame(Buffer.from('12345678'), false),
]);

describe('the frame reader', () => {
  it.each([1, 2, 7, 16, STREAM.length])('cuts frames out of chunks of %d bytes', (size) => {
    const diary = new Diary();
    const reader = new FrameReader(diary, { expectPreface: true });
    for (let at = 0; at < STREAM.length; at += size) reader.push(STREAM.subarray(at, at + size));
    expect(diary.data).toBe('hello world');
    expect(diary.lines).toEqual([
      'frame 4 of 0: 000200000000',
      'data 6',
      'end 6',
      'data 0',
      'end 6',
      'data 9',
      'end 11',
      'data 3',
      'end 11',
      'frame 6 of 0: 3132333435363738',
    ]);
  });

  it('offers room for large DATA alone, and never beyond its frame', () => {
    const diary = new Diary(150_000);
    const reader = new FrameReader(diary, { expectPreface: false });
    expect(reader.room()).toBeUndefined();
    reader.push(dataFrame(Buffer.alloc(100_000, 'a')).subarray(0, 1009));
    expect(reader.room()).toHaveLength(99_000);
    reader.placed(50_000);
    // The rest is less than a direct read is worth.
    expect(reader.room()).toBeUndefined();
    reader.push(Buffer.alloc(49_000, 'a'));
    expect(diary.lines).toEqual(['data 100000', 'end 100000']);
  });

  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n'), 'protocolError'],
    ['noise', Buffer.from([22, 3, 1, 0, 200, 1]), 'protocolError'],
    [
      'a large PING',
      Buffer.concat([PREFACE, frameHeader({ bytes: 1 << 20, type: FRAME_TYPE.ping, flags: 0, streamId: 0 })]),
      'frameSizeError',
    ],
    [
      'large HEADERS',
      Buffer.concat([PREFACE, frameHeader({ bytes: 1 << 20, type: FRAME_TYPE.headers, flags: 4, streamId: 1 })]),
      'enhanceYourCalm',
    ],
    [
      'padding beyond the frame',
      Buffer.concat([PREFACE, dataFrame(Buffer.from('\x09abc', 'latin1'), FLAG.padded)]),
      'protocolError',
    ],
    [
      'padded DATA without a length',
      Buffer.concat([PREFACE, dataFrame(Buffer.alloc(0), FLAG.padded)]),
      'frameSizeError',
    ],
  ])('refuses %s before it takes memory for it', (_, bytes, http2Code) => {
    const reader = new FrameReader(new Diary(), { expectPreface: true });
    expect(() => reader.push(bytes)).toThrowError(expect.objectContaining({ details: { http2Code } }) as Error);
  });
});
