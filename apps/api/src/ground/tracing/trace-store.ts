import { Injectable } from '@nestjs/common';
import type { agentV1 } from '@millrace/contracts';

/** Bounds of what is kept in memory: the newest steps of the runs that were traced last. */
export const STEPS_PER_RUN = 50;
const RUNS_MAX = 32;
const SPANS_PER_BATCH_MAX = 20_000;
/** The most links of one batch: other ranks times purposes. */
const EDGE_LENGTH_MAX = 32;
const SENT_PER_BATCH_MAX = 1_000;
/** The most characters in the name of an action or the cause of a span. */
const SPAN_TEXT_LENGTH_MAX = 64;
/** The most spans of all runs together; each takes about a hundred bytes. */
export const SPANS_TOTAL_MAX = 500_000;

/**
 * What the ranks executed in the last steps, for people to look at: a restart of the API forgets it, and nothing
 * depends on it.
 */
@Injectable()
export class TraceStore {
  /** run -> (step, rank) -> batch; both maps are in the order of arrival. */
  private readonly runs = new Map<string, Map<string, agentV1.TraceBatch>>();

  add(batch: agentV1.TraceBatch): void {
    const batches = this.runs.get(batch.runId) ?? new Map<string, agentV1.TraceBatch>();
    // Setting it again moves the run to the end: the run that was not traced for longest is removed first.
    this.runs.delete(batch.runId);
    this.runs.set(batch.runId, batches);
    batches.set(`${batch.step} ${batch.rank}`, {
      ...batch,
      spans: batch.spans.slice(0, SPANS_PER_BATCH_MAX).filter(isShort),
      sent: batch.sent.slice(0, SENT_PER_BATCH_MAX).filter(isPlausible),
      countedMs: Math.max(0, batch.countedMs),
    });
    const oldest = batch.step - STEPS_PER_RUN;
    // When an attempt traces earlier steps again, later steps of a lost attempt are removed too.
    for (const [key, { step, fence }] of batches) if (step <= oldest || fence < batch.fence) batches.delete(key);
    for (const runId of this.runs.keys()) {
      if (this.runs.size <= RUNS_MAX) break;
      this.runs.delete(runId);
    }
    this.makeRoom();
  }

  /** The run that was not traced for longest loses its oldest batches first. */
  private makeRoom(): void {
    let spanCount = 0;
    for (const batches of this.runs.values()) for (const { spans } of batches.values()) spanCount += spans.length;
    for (const [runId, batches] of this.runs) {
      for (const [key, { spans }] of batches) {
        if (spanCount <= SPANS_TOTAL_MAX) return;
        batches.delete(key);
        spanCount -= spans.length;
      }
      this.runs.delete(runId);
    }
  }

  /** Sorted by step, then by rank. */
  of(runId: string): agentV1.TraceBatch[] {
    return [...(this.runs.get(runId)?.values() ?? [])].sort((a, b) => a.step - b.step || a.rank - b.rank);
  }
}

function isPlausible({ edge, frames, bytes }: agentV1.SentFrames): boolean {
  return edge.length <= EDGE_LENGTH_MAX && frames >= 0 && bytes >= 0;
}

function isShort({ action, cause }: agentV1.TraceSpan): boolean {
  return action.length <= SPAN_TEXT_LENGTH_MAX && cause.length <= SPAN_TEXT_LENGTH_MAX;
}
