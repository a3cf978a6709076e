import { AppError, isFinal } from '@millrace/core';
import { type MillraceClient, allPages } from '@millrace/sdk';

/**
 * Cancels what an interrupted quickstart left unfinished: it would continue first, on both agents, and the new run
 * would wait behind it. It does so only in the quickstart's own home.
 */
export async function cancelLeftOvers(
  client: Pick<MillraceClient, 'runs' | 'actOnRun'>,
  say: (text: string) => void,
): Promise<void> {
  const runs = await allPages((page) => client.runs(page));
  for (const { id, state } of runs.filter((run) => !isFinal(run.state))) {
    say(`cancelling run ${id} of an earlier quickstart, which was ${state}`);
    try {
      await client.actOnRun(id, 'cancel');
    } catch (error) {
      // The run ended in the meantime.
      if (!(error instanceof AppError) || error.kind !== 'conflict') throw error;
    }
  }
}
