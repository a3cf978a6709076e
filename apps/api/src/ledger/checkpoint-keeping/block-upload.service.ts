import { Injectable } from '@nestjs/common';
import { type blobV1, INT4_MAX, storableText } from '@millrace/contracts';
import { fenceIsOld } from '../attempts/attempts.errors';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { GatheredCalls } from '../../ground/concurrency/gathered-calls';
import { AttemptRanksService } from '../attempts/attempt-ranks.service';
import { RunsRepository } from '../runs/runs.repository';
import {
  blockOfOthers,
  blockTooLarge,
  checkpointGivenUp,
  headerFirst,
  headerInvalid,
  lengthDiffers,
} from './block-upload.errors';
import { BlockHoldsRepository } from '../blocks/block-holds.repository';

type PutBody = NonNullable<blobV1.PutRequest['body']>;

const SHA256 = /^[0-9a-f]{64}$/;
const ID_LENGTH_MAX = 200;
const BLOCK_BYTES_MAX = 16 * 1024 ** 2;
/**
 * How long a block is held between its upload and the report of the part that names it. It is long, because a block
 * must not be lost if the API is away in between.
 */
const HOLD_MS = 6 * 3_600_000;

/** Receives a block of a checkpoint from a rank of a live attempt. */
@Injectable()
export class BlockUploadService {
  /** A checkpoint of a small model is hundreds of blocks at once. */
  private readonly checking = new GatheredCalls<blobV1.PutHeader, boolean>();
  private readonly holding = new GatheredCalls<blobV1.PutHeader, boolean>();

  constructor(
    private readonly runs: RunsRepository,
    private readonly ranks: AttemptRanksService,
    private readonly blobs: BlobsService,
    private readonly holds: BlockHoldsRepository,
  ) {}

  /**
   * Returns true when the block existed already, in which case its bytes are not read. The fence is checked twice: an
   * agent that was cut off in the middle of an upload must not finish it under its old fence. `agentId` is the agent
   * that uploads; null stands for an admin, who may act for any agent.
   */
  async receive(messages: AsyncGenerator<PutBody>, agentId: string | null): Promise<boolean> {
    const header = headerOf(await messages.next());
    if (agentId !== null && (await this.ranks.of(agentId, header)) === undefined)
      throw blockOfOthers(agentId, header.runId, header.fence);
    await this.checkFence(header);
    await this.blobs.assertRoomFor(header.bytes);
    const { runId, fence, step } = header;
    const held = await this.holding.ask(`${step} ${keyOf(header)}`, header, (blocks) =>
      this.holds.hold({ owner: runId, fence, step }, hashesOf(blocks), HOLD_MS),
    );
    if (!held) throw checkpointGivenUp(runId, step);
    if (await this.blobs.blocks.has(header.sha256)) return true;
    const block = await collect(messages, header);
    await this.checkFence(header);
    // The store verifies the hash, and takes the buffer over.
    await this.blobs.blocks.put(header.sha256, block);
    return false;
  }

  /** @throws AppError ATTEMPT.FENCE_OLD */
  private async checkFence(header: blobV1.PutHeader): Promise<void> {
    const { runId, fence } = header;
    const inForce = await this.checking.ask(keyOf(header), header, () => this.runs.isInForce(runId, fence));
    if (!inForce) throw fenceIsOld(runId, fence);
  }
}

const hashesOf = (headers: readonly blobV1.PutHeader[]): string[] => headers.map(({ sha256 }) => sha256);
const keyOf = ({ runId, fence }: blobV1.PutHeader): string => `${fence} ${runId}`;

function headerOf({ value }: IteratorResult<PutBody, unknown>): blobV1.PutHeader {
  const body = value as PutBody | undefined;
  if (body?.$case !== 'header') throw headerFirst();
  const header = body.value;
  if (!SHA256.test(header.sha256)) throw headerInvalid('sha256', 'must be 64 lower-case hexadecimal digits');
  const { runId, fence, step } = header;
  if (runId.length > ID_LENGTH_MAX || !storableText.safeParse(runId).success)
    throw headerInvalid('run_id', `must have at most ${ID_LENGTH_MAX} characters and no NUL`);
  for (const [field, value] of Object.entries({ fence, step }))
    if (value < 0 || value > INT4_MAX) throw headerInvalid(field, `is ${value}, not from 0 to ${INT4_MAX}`);
  if (header.bytes < 1) throw headerInvalid('bytes', `is ${header.bytes}; a block is not empty`);
  if (header.bytes > BLOCK_BYTES_MAX) throw blockTooLarge(header.bytes, BLOCK_BYTES_MAX);
  return header;
}

async function collect(messages: AsyncGenerator<PutBody>, { bytes }: blobV1.PutHeader): Promise<Uint8Array> {
  const block = new Uint8Array(bytes);
  let receivedBytes = 0;
  for (;;) {
    const { value, done } = await messages.next();
    if (done) break;
    if (value.$case === 'header') throw headerFirst();
    const piece = value.value;
    if (receivedBytes + piece.length > bytes) throw lengthDiffers(receivedBytes + piece.length, bytes);
    block.set(piece, receivedBytes);
    receivedBytes += piece.length;
  }
  if (receivedBytes !== bytes) throw lengthDiffers(receivedBytes, bytes);
  return block;
}
