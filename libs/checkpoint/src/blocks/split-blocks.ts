import { createHash } from 'node:crypto';
import { assert } from '@millrace/core';
import { blocksWrongSize } from '../checkpoint.errors';
import type { BlockReference } from '../manifest/manifest';
import type { BlockStore } from './block-store';

export const BLOCK_BYTES = 4 * 1024 * 1024;

/** A part of a tensor and its address; `bytes` is a view of what was split. */
export interface Block {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/**
 * Cuts bytes into consecutive parts of at most `blockBytes`, a multiple of 4 so that no f32 is cut; no bytes give no
 * parts.
 */
export function splitBlocks(bytes: Uint8Array, blockBytes = BLOCK_BYTES): Block[] {
  assert(Number.isInteger(blockBytes) && blockBytes > 0 && blockBytes % 4 === 0, `blocks of ${blockBytes} bytes`);
  return Array.from({ length: Math.ceil(bytes.length / blockBytes) }, (_, index) => {
    const part = bytes.subarray(index * blockBytes, (index + 1) * blockBytes);
    return { sha256: createHash('sha256').update(part).digest('hex'), bytes: part };
  });
}

/** What a manifest stores about blocks. */
export function blockReferences(blocks: readonly Block[]): BlockReference[] {
  return blocks.map(({ sha256, bytes }) => ({ sha256, bytes: bytes.length }));
}

/** Undoes splitBlocks. */
export function joinBlocks(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Stores a tensor's bytes block by block; what it returns belongs into the manifest. */
export async function putTensor(
  store: BlockStore,
  values: Float32Array,
  blockBytes = BLOCK_BYTES,
): Promise<BlockReference[]> {
  const blocks = splitBlocks(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), blockBytes);
  for (const { sha256, bytes } of blocks) await store.put(sha256, bytes);
  return blockReferences(blocks);
}

/** Reads a tensor back. Throws the errors of BlockStore.get and CHECKPOINT.BLOCKS_WRONG_SIZE. */
export async function getTensor(
  store: Pick<BlockStore, 'get'>,
  tensor: { readonly name: string; readonly shape: readonly number[]; readonly blocks: readonly BlockReference[] },
): Promise<Float32Array> {
  const values = new Float32Array(tensor.shape.reduce((product, size) => product * size, 1));
  const target = new Uint8Array(values.buffer);
  let filledBytes = 0;
  for (const { sha256, bytes, offset = 0 } of tensor.blocks) {
    const piece = (await store.get(sha256)).subarray(offset, offset + bytes);
    if (piece.length !== bytes || filledBytes + bytes > target.length)
      throw blocksWrongSize(tensor.name, target.length, filledBytes + piece.length);
    target.set(piece, filledBytes);
    filledBytes += piece.length;
  }
  if (filledBytes !== target.length) throw blocksWrongSize(tensor.name, target.length, filledBytes);
  return values;
}
