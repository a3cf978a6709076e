import { Injectable } from '@nestjs/common';
import { type Tokenizer, tokenizerFromJSON } from '@millrace/data';
import type { DurableCheckpoint } from '../../ledger/blocks/checkpoint-writes.repository';
import { RunDatasetsRepository } from '../../ledger/datasets/run-datasets.repository';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { noTokenizer } from '../../ledger/agents/generate.errors';

/** Finds the tokenizer that a checkpoint was trained with. */
@Injectable()
export class PromptTokenizerService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly datasets: RunDatasetsRepository,
  ) {}

  /** @throws AppError GENERATE.NO_TOKENIZER */
  async of({ id, runId }: DurableCheckpoint): Promise<Tokenizer> {
    const run = runId === null ? null : await this.runs.find(runId);
    if (!run)
      throw noTokenizer(
        id,
        'it belongs to no run, so its tokenizer is not known; start a run from it and generate from that run',
      );
    const dataset = await this.datasets.find(run.datasetId);
    if (!dataset) throw noTokenizer(id, `the dataset of ${run.id} is gone`);
    const tokenizer = tokenizerFromJSON(dataset.tokenizer);
    if (tokenizer.name === 'tokens')
      throw noTokenizer(id, `the dataset of ${run.id} was uploaded as tokens, without a tokenizer`);
    return tokenizer;
  }
}
