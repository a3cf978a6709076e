import type { Clock } from '@millrace/core';
import { BUFFER_USAGE, MAP_MODE_READ } from '../gpu-constants';

const QUERY_BYTES = 8;
const NANOSECONDS_PER_MS = 1e6;

/** Records dispatches into a pass. */
export type RecordPass = (pass: GPUComputePassEncoder) => void;

/**
 * Tells how long the device takes for a pass: by its own timestamps where it has them, or else by the time until it
 * says that it is done, which includes whatever it does before.
 */
export class PassClock {
  private readonly queries: GPUQuerySet | undefined;
  private readonly resolved: GPUBuffer;
  private readonly mapped: GPUBuffer;

  constructor(
    private readonly device: GPUDevice,
    private readonly clock: Clock,
  ) {
    const hasTimestamps = device.features.has('timestamp-query');
    this.queries = hasTimestamps ? device.createQuerySet({ type: 'timestamp', count: 2 }) : undefined;
    const size = 2 * QUERY_BYTES;
    this.resolved = device.createBuffer({ size, usage: BUFFER_USAGE.queryResolve | BUFFER_USAGE.copySource });
    this.mapped = device.createBuffer({ size, usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDestination });
  }

  async measureMs(record: RecordPass): Promise<number> {
    return this.queries === undefined ? this.untilDone(record) : this.byTimestamps(record, this.queries);
  }

  destroy(): void {
    this.queries?.destroy();
    this.resolved.destroy();
    this.mapped.destroy();
  }

  private async untilDone(record: RecordPass): Promise<number> {
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    record(pass);
    pass.end();
    const startMs = this.clock.monotonicMs();
    this.device.queue.submit([encoder.finish()]);
    await this.device.queue.onSubmittedWorkDone();
    return this.clock.monotonicMs() - startMs;
  }

  private async byTimestamps(record: RecordPass, querySet: GPUQuerySet): Promise<number> {
    const encoder = this.device.createCommandEncoder();
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    record(pass);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.mapped, 0, 2 * QUERY_BYTES);
    this.device.queue.submit([encoder.finish()]);
    await this.mapped.mapAsync(MAP_MODE_READ);
    const [begin, end] = new BigUint64Array(this.mapped.getMappedRange().slice(0));
    this.mapped.unmap();
    return Number(end! - begin!) / NANOSECONDS_PER_MS;
  }
}
