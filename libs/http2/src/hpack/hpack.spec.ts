import { describe, expect, it } from 'vitest';
import type { HeaderFields } from '../http2-headers';
import { HpackDecoder } from './hpack-decoder';
import { encodeHeaders } from './hpack-encoder';
import { HpackReader } from './hpack-reader';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const decoded = (decoder: HpackDecoder, text: string): [string, string][] => [...decoder.decode(hex(text))];
const decoder = (): HpackDecoder => new HpackDecoder(65_536);

const REQUEST = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const PAGE = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];
const response = (status: string, date: string): string[][] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', `Mon, 21 Oct 2013 20:13:${date} GMT`],
  ['location', 'https://www.example.com'],
];

describe('the HPACK decoder, by the examples of RFC 7541, appendix C', () => {
  it('C.1: reads integers', () => {
    expect(new HpackReader(hex('0a')).integer(5)).toBe(10);
    expect(new HpackReader(hex('1f9a0a')).integer(5)).toBe(1337);
    expect(new HpackReader(hex('2a')).integer(8)).toBe(42);
  });

  it.each([
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 'custom-key', 'custom-header'],
    ['040c 2f73 616d 706c 652f 7061 7468', ':path', '/sample/path'],
    ['1008 7061 7373 776f 7264 0673 6563 7265 74', 'password', 'secret'],
    ['82', ':method', 'GET'],
  ])('C.2: reads %s', (block, name, value) => {
    expect(decoded(decoder(), block)).toEqual([[name, value]]);
  });

  it('C.3: reads three requests in a row', () => {
    const requests = decoder();
    expect(decoded(requests, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d')).toEqual(REQUEST);
    expect(decoded(requests, '8286 84be 5808 6e6f 2d63 6163 6865')).toEqual([
      ...REQUEST,
      ['cache-control', 'no-cache'],
    ]);
    const third = '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65';
    expect(decoded(requests, third)).toEqual(PAGE);
  });

  it('C.4: reads the same with Huffman codes', () => {
    const requests = decoder();
    expect(decoded(requests, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')).toEqual(REQUEST);
    expect(decoded(requests, '8286 84be 5886 a8eb 1064 9cbf')).toEqual([...REQUEST, ['cache-control', 'no-cache']]);
    expect(decoded(requests, '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')).toEqual(PAGE);
  });

  it('C.6: reads responses while a table of 256 bytes evicts', () => {
    const responses = decoder();
    // The examples presume the size; here the encoder says so first.
    const first = `3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
      919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`;
    expect(decoded(responses, first)).toEqual(response('302', '21'));
    expect(decoded(responses, '4883 640e ffc1 c0bf')).toEqual(response('307', '21'));
    const third = `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
      e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`;
    expect(decoded(responses, third)).toEqual([
      ...response('200', '22'),
      ['content-encoding', 'gzip'],
      ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    ]);
  });
});

describe('the HPACK decoder refuses', () => {
  it.each([
    ['an index of nothing', '80'],
    ['an index beyond the table', 'be'],
    ['a text longer than the block', '400a 6375'],
    ['an integer that does not end', 'ffff ffff ffff ffff ff'],
    ['a table larger than it may be', '3fe21f'],
    ['a change of the table after a field', '8220'],
    ['padding of a Huffman code that is not ones', '0001 6183 f1e3 00'],
    ['padding of a whole byte', '0001 6182 1fff ff'],
    ['the end-of-string symbol', '0001 6184 ffff fffc'],
  ])('%s', (_, block) => {
    expect(() => decoded(decoder(), block)).toThrowError(
      expect.objectContaining({ details: { http2Code: 'compressionError' } }) as Error,
    );
  });

  it('headers that are small on the wire and large in memory', () => {
    const large = Buffer.concat([hex('4001 617f 8018'), Buffer.alloc(3199, 98)]);
    const bomb = Buffer.concat([large, Buffer.alloc(2000, 0xbe)]);
    expect(() => decoder().decode(bomb)).toThrowError(
      expect.objectContaining({ details: { http2Code: 'enhanceYourCalm' } }) as Error,
    );
  });
});

describe('the HPACK encoder', () => {
  it('writes what the decoder reads, short or long, known or not', () => {
    const headers: HeaderFields = new Map([
      [':method', 'POST'],
      [':path', '/millrace.stage.v1.StageService/Exchange'],
      ['content-type', 'application/grpc'],
      ['millrace-key', 'k'.repeat(127)],
      ['long', 'x'.repeat(5000)],
      ['empty', ''],
    ]);
    const block = encodeHeaders(headers);
    expect([...decoder().decode(block)]).toEqual([...headers]);
    // An index alone, behind the change of the table.
    expect(block.subarray(0, 2)).toEqual(hex('2083'));
  });
});
